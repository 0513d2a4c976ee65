"""A document in the language of docs/developing/add-a-document-language.md is read."""

from __future__ import annotations

from datetime import date

from campaign.config import ROOT
from campaign.document import parse_document
from campaign.document.labels import vocabulary


def test_its_words_are_known() -> None:
    assert "da" in vocabulary().languages


def test_a_document_is_read() -> None:
    path = ROOT / "tests" / "document" / "cases" / "first.da.md"
    draft = parse_document(path.read_bytes(), path.name)
    assert draft.language == "da"
    assert draft.headline == "LÆRER TRUET FOR SIN UNDERVISNING"
    assert draft.deadline == date(2026, 4, 12)
    assert draft.issued_on == date(2026, 2, 20)
    assert draft.country == "CO"
    assert [target.name for target in draft.targets] == ["Pedro Alba Montes"]
    assert draft.letter is not None
    assert draft.letter.paragraphs == ("Jeg frygter for Ana Ruiz Vegas liv.",)
    assert [person.name for person in draft.people] == ["Ana Ruiz Vega"]
    assert draft.languages == ("es",)
