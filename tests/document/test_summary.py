"""The output of `flask appeal parse` for people: the warnings first, then every field."""

from __future__ import annotations

from campaign.document import parse_text
from campaign.document.summary import summarise
from tests.document.support.forms import NEW, OLD


def test_a_summary_without_warnings_says_so_first() -> None:
    assert summarise(parse_text(NEW)).startswith("No warnings.\n\nHeadline     WEAVER AND HER DAUGHTER")


def test_warnings_come_first_with_line_and_code() -> None:
    text = NEW.replace("Fax: +57 1 596 0000", "Fax: +57 1 596 0000 (mornings)").replace("18 June 2024\n", "18 June\n")
    first, second, third, blank = summarise(parse_text(text)).split("\n")[:4]
    assert first == "2 warnings:"
    assert second.startswith("  line 16  words beside the fax number: “(mornings)” [contact-note]")
    assert third.startswith("  line 38  ")
    assert "[deadline-without-year]" in third
    assert blank == ""


def test_every_field_is_shown_with_names_for_codes() -> None:
    summary = summarise(parse_text(NEW))
    for line in (
        "People       Rosa Telar Muestra (she/her)", "Country      Colombia (CO)", "Deadline     2024-06-18",
        "Reference    UA 9/24 (number 2 of its case)", "Index        AMR 23/9102/2024", "Issued on    2024-04-23",
        "Previous     https://www.example.org/en/documents/amr23/9001/2024/en/", "Language     English (en)",
        "Write in     Spanish (es), the writer's own language",
        "To           Minister of the Interior, Pedro Alba Montes",
        "             Carrera 8 # 12 B - 31", "E-mail       despacho@interior.example.co",
        "             atencion@interior.example.co", "Fax          +57 1 596 0000", "Twitter      @InteriorExample",
        "Letter:", "  Dear Minister,", "  Yours sincerely,",
    ):  # fmt: skip
        assert f"\n{line}\n" in summary, line


def test_the_old_template_shows_points_copies_and_salutations() -> None:
    summary = summarise(parse_text(OLD))
    for line in ("No letter; points to make:", "Salutation   Your Excellency", "Country      Egypt (EG)"):
        assert f"\n{line}\n" in summary
    assert "\nCopy to      Deputy Assistant Minister for Human Rights, Laila Sample\n" in summary
    assert "  - Urging the authorities to say at once" in summary


def test_a_missing_value_is_a_dash() -> None:
    summary = summarise(
        parse_text("# URGENT ACTION\n\n## A HEADLINE\n\nSome text.\n\nTAKE ACTION\n\nDEADLINE: 12 May 2026")
    )
    for label in ("People", "Country", "Reference", "Previous", "Background", "To", "Letter"):
        assert f"\n{label:<13}–\n" in summary


def test_no_line_is_wider_than_a_terminal_but_for_a_long_word() -> None:
    for text in (NEW, OLD):
        assert max(len(line) for line in summarise(parse_text(text)).split("\n")) <= 96
