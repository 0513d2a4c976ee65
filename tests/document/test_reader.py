"""Documents as text in any encoding and wrapping, as Word and as PDF: all have the same fields."""

from __future__ import annotations

import re

import pytest

from tests.document.support import builders
from tests.document.support.forms import (
    NEW,
    OLD,
    codes,
    compile_typst,
    fields,
    plain,
    quoted,
    typeset,
    typst_source,
    wrapped,
)

DOCUMENTS = {"new": NEW, "old": OLD}
EACH_TEMPLATE = pytest.mark.parametrize("markdown", DOCUMENTS.values(), ids=DOCUMENTS)
_EMPHASISED = ("summary", "background")


def without_emphasis(read_fields: dict[str, object]) -> dict[str, object]:
    """Return the fields without emphasis, which some formats do not have."""
    return {key: plain(str(value)) if key in _EMPHASISED and value else value for key, value in read_fields.items()}


@EACH_TEMPLATE
@pytest.mark.parametrize("width", [60, 66, 72, 80])
def test_hard_wrapped_text_has_the_same_fields(markdown: str, width: int) -> None:
    assert fields(wrapped(markdown, width)) == fields(markdown)


@EACH_TEMPLATE
@pytest.mark.parametrize("mark", ["> ", ">", "> > ", ">>", " > ", "> > > "])
def test_quoted_text_has_the_same_fields(markdown: str, mark: str) -> None:
    assert fields(quoted(markdown, mark)) == fields(markdown)
    assert fields(quoted(wrapped(markdown), mark)) == fields(markdown)


@EACH_TEMPLATE
@pytest.mark.parametrize("end", ["\r\n", "\r", "\x85", "\u2028", "\u2029", "\x0b"])
def test_every_kind_of_line_end_ends_a_line(markdown: str, end: str) -> None:
    assert fields(markdown.replace("\n", end)) == fields(markdown)


@EACH_TEMPLATE
def test_kinds_of_line_ends_may_be_mixed(markdown: str) -> None:
    ends = ["\r\n", "\n", "\r", "\u2028", "\x85"]
    lines = markdown.split("\n")
    # A lone CR before an empty line's LF would be one end instead of two.
    mixed = "".join(line + ends[number % 5 if line and lines[number + 1 : number + 2] != [""] else 1]
                    for number, line in enumerate(lines))  # fmt: skip
    assert fields(mixed) == fields(markdown)


@EACH_TEMPLATE
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)  # fmt: skip
def test_every_encoding_is_detected_from_the_bytes(markdown: str, encoding: str) -> None:
    text = markdown.replace("'", "’")
    assert fields(text.encode(encoding), "case.txt") == fields(text)


def test_the_bytes_of_windows_1252_become_its_characters() -> None:
    text = NEW.replace("Bogotá D.C.", "Bogotá – “Œuvre” 5 €")
    address = fields(text.encode("cp1252"))["targets"][0]["address"]
    assert "Bogotá – “Œuvre” 5 €, Colombia" in address


@EACH_TEMPLATE
def test_text_without_marks_has_the_same_fields_without_emphasis(markdown: str) -> None:
    assert without_emphasis(fields(plain(markdown), "case.txt")) == without_emphasis(fields(markdown))


def test_an_address_line_wider_than_the_wrapping_is_joined_with_a_warning() -> None:
    long_line = "Office of the Minister of the Interior and of the Protection of the Citizens, Carrera 8 # 12 B - 31"
    text = wrapped(NEW.replace("Carrera 8 # 12 B - 31", long_line))
    assert long_line in fields(text)["targets"][0]["address"]
    assert "line-joined" in codes(text)


def test_short_address_lines_keep_their_breaks_before_a_very_long_word() -> None:
    lines = ["Office of the Minister", "Donaudampfschifffahrtsgesellschaftsgebäude", "Bogotá D.C., Colombia"]
    text = wrapped(NEW.replace("Carrera 8 # 12 B - 31\nBogotá D.C., Colombia", "\n".join(lines)))
    assert fields(text)["targets"][0]["address"] == lines


def test_a_mail_above_the_quoted_document_is_left_out() -> None:
    text = "From: Section <section@section.example>\nSubject: Fwd: UA\n\nSee below.\n\n" + quoted(NEW)
    read_fields = fields(text)
    assert {key: read_fields[key] for key in ("headline", "targets", "letter")} == {
        key: fields(NEW)[key] for key in ("headline", "targets", "letter")
    }


# Words broken at the end of a line


def test_a_broken_word_is_joined_if_the_document_also_has_it_whole() -> None:
    text = NEW.replace("called enemies of progress", "called ene-\nmies of progress, ene\u00ad\nmies indeed, enemies")
    assert "called enemies of progress, enemies indeed" in str(fields(text)["background"])
    assert "word-broken" not in codes(text)


def test_a_broken_word_that_may_have_a_hyphen_keeps_it_with_a_warning() -> None:
    text = NEW.replace("called enemies", "called long-\nstanding enemies")
    assert "called long-standing enemies" in str(fields(text)["background"])
    assert "word-broken" in codes(text)


def test_gender_inclusive_endings_keep_their_hyphens_at_the_end_of_a_line() -> None:
    text = NEW.replace("I fear for", "Je suis préoccupé-\ne pour les citoyen-\nne-s et")
    assert "préoccupé-e pour les citoyen-ne-s et" in fields(text)["letter"]["paragraphs"][0]


def test_an_address_broken_at_a_hyphen_is_never_joined() -> None:
    text = NEW.replace("despacho@interior.example.co, ", "despacho@inte-\nrior.example.co, ")
    assert "despacho@interior.example.co" not in str(fields(text))


# Word


@EACH_TEMPLATE
def test_a_word_file_has_the_same_fields(markdown: str) -> None:
    assert fields(builders.docx(markdown), "case.docx") == fields(markdown)


@EACH_TEMPLATE
@pytest.mark.parametrize("form", ["paragraphs", "breaks", "table", "cells"])
def test_address_lines_in_word_stay_separate_in_every_form(markdown: str, form: str) -> None:
    assert fields(builders.docx(markdown, addresses=form), "case.docx") == fields(markdown)


def test_the_reference_in_a_word_header_is_read_and_a_footer_is_not_text() -> None:
    header, _, body = NEW.partition("\n")
    data = builders.docx(body, header=header, footer="Section Example, registered charity")
    assert fields(data, "case.docx") == fields(NEW)
    assert "unplaced-line" in codes(data, "case.docx")


# PDF


@EACH_TEMPLATE
def test_a_pdf_has_the_same_fields(markdown: str) -> None:
    assert fields(builders.pdf(markdown), "case.pdf") == fields(markdown)
    assert fields(typeset(markdown), "case.pdf") == fields(markdown)


@EACH_TEMPLATE
@pytest.mark.parametrize(
    "setup",
    [
        "#set par(justify: true)\n#set text(hyphenate: false)",
        "#set text(size: 8pt)",
        '#set page(width: 160mm, margin: 15mm)\n#set par(justify: true)\n#set text(lang: "en", hyphenate: false)',
    ],
)
def test_address_lines_of_a_pdf_stay_separate_and_paragraphs_are_joined(markdown: str, setup: str) -> None:
    assert fields(typeset(markdown, setup=setup), "case.pdf") == fields(markdown)


def test_a_soft_hyphen_of_the_font_is_read_as_a_hyphen() -> None:
    text = NEW.replace("Carrera 8", "Barrio San-Pedro, Carrera 8").replace("despacho@interior", "des-pacho@inte-rior")
    read_fields = fields(typeset(text, setup="#set par(justify: true)\n#set text(hyphenate: true)"), "case.pdf")
    assert read_fields["targets"] == fields(text)["targets"]


def test_words_that_the_typesetter_broke_are_joined() -> None:
    markdown = NEW.replace(", atencion@interior.example.co", "")
    data = typeset(markdown, setup="#set page(width: 120mm)\n#set par(justify: true)\n#set text(hyphenate: true)")
    assert fields(data, "case.pdf") == fields(markdown)
    assert codes(data, "case.pdf").count("word-broken") >= 1


def test_columns_are_read_one_after_the_other() -> None:
    read_fields = fields(typeset(NEW, setup="#set page(columns: 2)"), "case.pdf")
    expected = fields(NEW)
    assert {key: read_fields[key] for key in read_fields if key != "previous"} == {
        key: expected[key] for key in expected if key != "previous"
    }


def test_addresses_side_by_side_are_read_one_after_the_other() -> None:
    first, second = re.findall(r"(?:Public|Minister)[^\n]*\n(?:[^\n]+\n)+?Salutation:[^\n]*", OLD)[:2]
    before, after = OLD.split(first)[0], OLD.split(second)[1]
    parts = [typst_source(part) for part in (before, first, second, after)]
    source = f"{parts[0]}\n\n#grid(columns: (1fr, 1fr), gutter: 8mm, [{parts[1]}], [{parts[2]}])\n\n{parts[3]}"
    assert fields(compile_typst(source), "case.pdf") == fields(OLD)


def test_the_last_page_of_the_longest_pdf_is_read() -> None:
    data = builders.pdf(NEW + "\n" * 55 * 39 + "Zebra.")
    assert b"/Count 40 " in data
    assert fields(data, "case.pdf") == fields(NEW + "\n\nZebra.")
    assert codes(data, "case.pdf") == codes(NEW + "\n\nZebra.")


NUMBER = '#counter(page).display("1 / 1", both: true)'
FOOTERS = [
    f"Urgent Action {NUMBER}",
    *(
        pytest.param(footer, marks=pytest.mark.slow)
        for footer in (NUMBER, f"Page {NUMBER}", "#counter(page).display()")
    ),
]


@pytest.mark.parametrize("footer", FOOTERS)
def test_repeated_headers_and_page_numbers_are_left_out(footer: str) -> None:
    background = "\n\n".join(f"In the year {2000 + year} the valley {verb}." for year, verb in enumerate(VERBS * 4))
    markdown = NEW.replace("In 2023 two speakers", f"{background}\n\nIn 2023 two speakers")
    data = typeset(markdown, setup=f"#set page(header: [Section Example], footer: context [{footer}])")
    assert re.search(rb"/Count [3-9]", data)
    assert fields(data, "case.pdf") == fields(markdown)


VERBS = "flooded burned mourned sang waited wove traded voted marched hoped prayed rested".split()
