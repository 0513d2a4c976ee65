"""No line of a document is lost: each is in a field, belongs to a label, or has a warning with its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign.document import DocumentError, parse_document
from tests.document.support import builders
from tests.document.support.forms import DOCUMENTS, NEW, OLD, read_case, typeset
from tests.document.support.lost_lines import lost_lines

SHARED = Path(__file__).parents[2].parent / "shared" / "documents"


def assert_no_line_lost(data: bytes, name: str) -> None:
    try:
        draft = parse_document(data, name)
    except DocumentError:
        return
    assert lost_lines(data, name, draft) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_line_of_a_case_is_lost(path: Path) -> None:
    draft = read_case(path)
    assert isinstance(draft, str) or lost_lines(path.read_bytes(), path.name, draft) == []


def test_no_line_of_the_given_documents_is_lost() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"no shared documents at {SHARED}")
    for path in SHARED.glob("*-*.md"):
        assert_no_line_lost(path.read_bytes(), path.name)


@pytest.mark.parametrize("markdown", [NEW, OLD], ids=["new", "old"])
def test_no_line_is_lost_in_word_and_pdf(markdown: str) -> None:
    assert_no_line_lost(builders.docx(markdown, header="Section Example", footer="A charity"), "case.docx")
    assert_no_line_lost(typeset(markdown, setup='#set page(footer: "A charity")'), "case.pdf")


STRAYS = (
    "Lorem ipsum dolor sit amet", "Zebra", "Call 555 0100 now", "Visit https://stray.example/now", "9 Stray Street",
)  # fmt: skip


def assert_stray_reported(document: str, index: int, stray: str, *, has_blank_lines: bool) -> None:
    lines = document.split("\n")
    added_lines = ["", stray, ""] if has_blank_lines else [stray]
    assert_no_line_lost("\n".join([*lines[:index], *added_lines, *lines[index:]]).encode(), "case.md")


@pytest.mark.parametrize("document", [NEW, OLD], ids=["new", "old"])
def test_a_stray_line_anywhere_is_in_a_field_or_has_a_warning(document: str) -> None:
    for number, index in enumerate(range(0, document.count("\n") + 2, 3)):
        assert_stray_reported(document, index, STRAYS[number % len(STRAYS)], has_blank_lines=number % 2 == 1)


@pytest.mark.slow
@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize("document", [NEW, OLD], ids=["new", "old"])
def test_each_stray_line_anywhere_is_in_a_field_or_has_a_warning(document: str, stray: str) -> None:
    for index in range(document.count("\n") + 2):
        assert_stray_reported(document, index, stray, has_blank_lines=False)
        assert_stray_reported(document, index, stray, has_blank_lines=True)


def test_the_check_itself_finds_a_lost_line() -> None:
    draft = parse_document(NEW.encode(), "case.md")
    stray = NEW.replace("## ADDITIONAL", "Lorem ipsum dolor\n\n## ADDITIONAL").encode()
    assert len(lost_lines(stray, "case.md", draft)) == 1
    sentence = next(line for line in NEW.split("\n") if "nobody has been questioned" in line)
    backwards = " ".join(reversed(sentence.split()))
    assert len(lost_lines(NEW.replace(sentence, backwards).encode(), "case.md", draft)) == 1
