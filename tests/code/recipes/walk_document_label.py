"""A document with the label of docs/developing/add-a-document-label.md has its deadline."""

from __future__ import annotations

from datetime import date

from campaign.config import ROOT
from campaign.document import parse_document


def test_the_deadline_is_found() -> None:
    path = ROOT / "tests" / "document" / "cases" / "last-day.en.md"
    draft = parse_document(path.read_bytes(), path.name)
    assert draft.deadline == date(2026, 4, 12)
    assert "no-deadline" not in {warning.code for warning in draft.warnings}
