"""The three given pairs of documents: they stay in the shared folder, so these tests skip without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from campaign.document import parse_document

SHARED = Path(__file__).parents[2].parent / "shared" / "documents"


@pytest.mark.parametrize("name", ["kazakhstan-2022.fr", "example-new.en", "example-old.en"])
def test_the_given_documents_parse_exactly(name: str) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"no shared documents at {SHARED}")
    data = (SHARED / f"{name}.md").read_bytes()
    expected = json.loads((SHARED / f"{name}.json").read_text(encoding="utf-8"))
    parsed = parse_document(data, f"{name}.md").to_json()
    for field in ("warnings", "notes", "series"):
        parsed.pop(field)
    assert parsed == expected
