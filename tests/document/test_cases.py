"""The case suite: invented documents in every template, each beside the JSON that its meaning calls for.

A case whose JSON is `{"error": CODE}` must be refused with that code. Warnings are compared by code and line:
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


def _places(warnings: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((warning["line"], warning["code"]) for warning in warnings)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_says_what_it_says(document: Path) -> None:
    expected = _expected(document)
    said = read_case(document)
    if isinstance(said, str):
        assert expected == {"error": said}
        return
    parsed = said.to_json()
    assert _places(parsed.pop("warnings")) == _places(expected.pop("warnings"))
    assert parsed == expected


def test_no_case_is_forgotten() -> None:
    assert {path.with_suffix("") for path in CASES.glob("*.json")} == {path.with_suffix("") for path in DOCUMENTS}
