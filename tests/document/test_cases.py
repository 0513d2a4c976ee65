"""The case suite: invented documents in every template, each with its expected JSON.

A document whose JSON is `{"error": CODE}` must be refused with that code. Warnings are compared by code and line, since
their wording may change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.document.support.forms import CASES, DOCUMENTS, read_case


def _expected(document: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads(document.with_suffix(".json").read_text(encoding="utf-8"))
    return expected


def _lines_and_codes(warnings: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((warning["line"], warning["code"]) for warning in warnings)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_gives_its_expected_fields(document: Path) -> None:
    expected = _expected(document)
    result = read_case(document)
    if isinstance(result, str):
        assert expected == {"error": result}
        return
    parsed = result.to_json()
    parsed.pop("notes")
    assert _lines_and_codes(parsed.pop("warnings")) == _lines_and_codes(expected.pop("warnings"))
    assert parsed == expected


def test_every_document_has_its_json_and_every_json_its_document() -> None:
    assert {path.with_suffix("") for path in CASES.glob("*.json")} == {path.with_suffix("") for path in DOCUMENTS}
