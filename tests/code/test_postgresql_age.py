"""The SQL needs no PostgreSQL newer than the oldest supported version; the tests themselves run on 15 and 18.

The words are those that the release notes of 15 to 18 list as new ("Migration" and "Changes", SQL and functions).
"""

from __future__ import annotations

import re

import pytest

from campaign.config import ROOT
from campaign.platform.database.schema import OLDEST_POSTGRESQL

NEWER = {
    15: r"merge into|nulls not distinct|regexp_(count|instr|like|substr)|security_invoker|range_intersect_agg",
    16: r"any_value|array_(sample|shuffle)|json_(array|arrayagg|object|objectagg)|is json|random_normal"
    r"|date_(add|subtract)|pg_input_is_valid|pg_input_error_info|system_user",
    17: r"json_(table|exists|query|value|serialize|scalar)|to_(bin|oct)|uuid_extract_\w+|transaction_timeout"
    r"|unicode_assigned|merge_action|xmltext|pg_maintain",
    18: r"uuidv[47]|casefold|array_(sort|reverse)|crc32c?|without overlaps|returning (old|new)\b|virtual"
    r"|pg_get_acl|jsonb?_strip_nulls",
}


@pytest.mark.parametrize("version", sorted(NEWER))
def test_no_sql_is_newer_than_the_oldest_supported_server(version: int) -> None:
    assert version > OLDEST_POSTGRESQL, "remove this version: it is no longer newer"
    word = re.compile(rf"(?<![\w.])(func\.)?({NEWER[version]})(?=[\s(\"'.,)])", re.IGNORECASE)
    match = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("campaign", "migrations")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if word.search(line) and not line.lstrip().startswith(("#", "import ", "from "))
    ]
    assert match == []


@pytest.mark.parametrize(
    ("version", "line"),
    [
        (15, "MERGE INTO tally USING"),
        (16, "select(func.any_value(Mail.id))"),
        (17, "SELECT * FROM JSON_TABLE(data"),
        (18, "func.uuidv7()"),
    ],
)
def test_newer_sql_is_detected(version: int, line: str) -> None:
    assert re.search(rf"(?<![\w.])(func\.)?({NEWER[version]})(?=[\s(\"'.,)])", line, re.IGNORECASE)
