"""The printed letter: every word of it, the address in the window, and no text that becomes code."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pdfminer.high_level import extract_pages
from pdfminer.layout import LTChar
from pypdf import PdfReader

from campaign.letter.address_window import DIN, SWISS, US, SheetLayout, layout_for
from campaign.letter.letter_pdf import PAGES, FaxCover, GlyphError, PrintedLetter, is_printable, pdf
from campaign.letter.plain_text import Letter
from tests.letter.letters import ADDRESS, LETTERS, lines_of_pdf, long, text_of_pdf

LAYOUTS = {layout.code: layout for layout in (DIN, SWISS, US)}

DATED = date(2026, 3, 1)
# The folder of Debian's fonts-noto-core; .ci/run installs it.
NOTO = Path("/usr/share/fonts/truetype/noto")
DATES = {"fr": "1 mars 2026", "ru": "1 марта 2026 г."}


def printed_letter(letter: Letter | None, **more: object) -> PrintedLetter:
    values: dict[str, object] = {"language": letter.language if letter else "fr", "title": "Letter", "address": ADDRESS}
    return PrintedLetter(**(values | {"dated": DATED, "letter": letter} | more))  # type: ignore[arg-type]


@pytest.fixture
def noto() -> tuple[Path, ...]:
    if not (NOTO / "NotoNaskhArabic-Regular.ttf").exists():
        if os.environ.get("CI"):
            pytest.fail("no Arabic font, and in CI there must be one (apt-get install fonts-noto-core)")
        pytest.skip("no Arabic font found: the Arabic letter was not printed (apt-get install fonts-noto-core)")
    return (NOTO,)


@pytest.mark.parametrize("language", ["fr", "ru"])
def test_the_text_of_the_pdf_is_the_letter(language: str) -> None:
    letter = LETTERS[language]
    said = text_of_pdf(pdf(printed_letter(letter), ()))
    # The date has its own line, extracted before or after the salutation; all other text is in order.
    before, date, after = said.partition(f" {DATES[language]}")
    assert date
    wanted = (*ADDRESS, letter.salutation, *letter.paragraphs, letter.closing, letter.name)
    assert before + after == " ".join(wanted)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("lines", [2, 6, 9])
def test_the_address_is_in_the_window(layout: SheetLayout, lines: int) -> None:
    address = tuple(f"Ligne {number} du ministère de l’Intérieur" for number in range(lines))
    found = [
        place
        for text, place in lines_of_pdf(pdf(printed_letter(LETTERS["fr"], layout=layout, address=address), ()))
        if text in address
    ]
    assert len(found) == lines
    window = layout.window
    for left, top, right, bottom in found:
        assert window.left - 0.5 <= left < right <= window.left + window.width + 0.5
        assert window.top - layout.spare - 0.5 <= top < bottom <= window.top + window.height + 0.5


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_address_of_many_lines_loses_none_and_stays_in_the_window(layout: SheetLayout) -> None:
    address = tuple(f"Ligne {number}" for number in range(20))
    content = pdf(printed_letter(LETTERS["fr"], layout=layout, address=address), ())
    found = [place for text, place in lines_of_pdf(content) if text.startswith("Ligne")]
    assert all(line in text_of_pdf(content) for line in address)
    assert max(bottom for *_, bottom in found) <= layout.window.top + layout.window.height + 0.5


@pytest.mark.parametrize("name", ["W" * 200, "Ж" * 200, "Maximiliane " + "Wolfeschlegelsteinhausen-" * 7])
def test_a_long_name_stays_on_the_paper(name: str) -> None:
    letter = dataclasses.replace(LETTERS["fr"], name=name)
    content = pdf(printed_letter(letter), ())
    assert max(right for _, (_, _, right, _) in lines_of_pdf(content)) <= 210 - 20 + 0.5, "millimetres"
    assert name.replace(" ", "") in text_of_pdf(content).replace(" ", "").replace("\u200b", ""), "and whole"


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("word", ["W" * 200, "Ж" * 200, "https://mail.example/" + "Wm" * 60])
def test_a_long_word_stays_on_the_paper(layout: SheetLayout, word: str) -> None:
    """Keep a long word on the paper in the address, the rows of a fax, the letter and the talking points."""
    said = f"Voir {word}"
    letter = dataclasses.replace(LETTERS["fr"], salutation=said, paragraphs=(said, said), closing=said, name=word)
    cover = FaxCover("Fax", (("À", said), ("De", word), ("Numéro", "+57 1 000 00 00"), ("Pages", PAGES)))
    for printed in (
        printed_letter(letter, layout=layout, address=(said, *ADDRESS)),
        printed_letter(letter, layout=layout, cover=cover),
        printed_letter(None, layout=layout, name=word, points=(said, said), points_heading=said),
    ):
        content = pdf(printed, ())
        edge = max(layout.width - 20, layout.window.left + layout.window.width)
        assert max(right for _, (_, _, right, _) in lines_of_pdf(content)) <= edge + 0.5, "millimetres"
        assert min(left for _, (left, *_) in lines_of_pdf(content)) >= 20 - 0.5
        plain = text_of_pdf(content).replace(" ", "").replace("\u200b", "")
        assert plain.count(word) >= 3, "and whole"
    window = layout.window
    content = pdf(printed_letter(LETTERS["fr"], layout=layout, address=(word,)), ())
    inside = [place for _, place in lines_of_pdf(content) if place[3] <= window.top + window.height + 0.5]
    assert max(right for _, _, right, _ in inside) <= window.left + window.width + 0.5


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_letter_begins_below_the_window(layout: SheetLayout) -> None:
    for text, (_left, top, right, bottom) in lines_of_pdf(pdf(printed_letter(LETTERS["fr"], layout=layout), ())):
        assert right <= layout.width - 19
        assert bottom <= layout.height - 20
        if text not in ADDRESS:
            assert top >= layout.window.top + layout.window.height


def test_windows_follow_the_country() -> None:
    assert [layout_for(code) for code in ("DE", "FR", "CH", "LI", "US", "CA", None)] == [
        DIN,
        DIN,
        SWISS,
        SWISS,
        US,
        US,
        DIN,
    ]
    # DIN 5008, form B: the zone for the address is 20–105 mm from the left, 45–90 mm from the top.
    assert 20 <= DIN.window.left < DIN.window.left + DIN.window.width <= 105
    assert 45 <= DIN.window.top - DIN.spare < DIN.window.top + DIN.window.height <= 90


HOSTILE = (
    '#panic("x") #read("/etc/passwd") $a$ *b* _c_ `d` @e <f> [g] // h /* i */ = j \\ k "l" #let m = 1; {n} --- ~ \'o\''
)


def test_no_text_becomes_code() -> None:
    letter = Letter("fr", HOSTILE, HOSTILE, (HOSTILE, "= titre\n- liste\n+ numéros\n/ terme: x"), HOSTILE, HOSTILE)
    content = pdf(printed_letter(letter, title=HOSTILE, address=(HOSTILE[:30],), name=HOSTILE), ())
    said = text_of_pdf(content)
    assert said.count(HOSTILE) == 4
    assert "= titre - liste + numéros / terme: x" in said
    assert "root:" not in said


def test_a_long_letter_has_several_pages() -> None:
    letter = long(LETTERS["fr"], 60)
    said = text_of_pdf(pdf(printed_letter(letter), ()))
    for paragraph in letter.paragraphs:
        assert paragraph in said.replace("\x0c", "")


def test_a_fax_names_its_recipient_and_number_of_pages() -> None:
    cover = FaxCover("Fax", (("À", "Ministre"), ("Numéro", "+57 1 000 00 00"), ("Pages", PAGES)))
    said = text_of_pdf(pdf(printed_letter(long(LETTERS["fr"], 40), cover=cover), ()))
    for part in ("Fax", "Ministre", "+57 1 000 00 00", LETTERS["fr"].paragraphs[-1]):
        assert part in said
    pages = len(list(extract_pages(io.BytesIO(pdf(printed_letter(long(LETTERS["fr"], 40), cover=cover), ())))))
    assert pages > 1
    assert f" {pages} Madame la Ministre," in said
    assert PAGES not in said


def test_talking_points_come_with_lines_to_write_on() -> None:
    said = text_of_pdf(
        pdf(printed_letter(None, points=("Protégez-la.", "#2"), points_heading="Que demander", name="Zoé"), ())
    )
    for part in (*ADDRESS, "Zoé", "Que demander", "Protégez-la.", "#2"):
        assert part in said


@pytest.mark.parametrize("text", ["السلام", "名前", "😀", "ᠮᠣᠩᠭᠣᠯ"])
def test_a_script_without_a_font_is_refused(text: str) -> None:
    letter = dataclasses.replace(LETTERS["fr"], paragraphs=(text,))
    with pytest.raises(GlyphError):
        pdf(printed_letter(letter), ())


def test_system_fonts_are_not_used() -> None:
    assert not is_printable("السلام", ())
    assert not is_printable("名", ())
    assert is_printable("Ă ę ß ł ğ Ω Ђ қ ұ ө ₽ € № « » „“ … – —", ())


def test_arabic_is_printed_with_the_configured_font(noto: tuple[Path, ...]) -> None:
    letter = LETTERS["ar"]
    content = pdf(printed_letter(letter, address=("Ministry", "Bogotá")), noto)
    assert is_printable(letter.text, noto)
    assert b"NotoNaskhArabic" in content
    # Extraction reverses words and reads a ligature twice, so only the sets of letters are compared.
    found = {character for character in text_of_pdf(content) if "\u0600" <= character <= "\u06ff"}
    wanted = "".join((letter.salutation, *letter.paragraphs, letter.closing, letter.name, "مارس"))
    assert found == {character for character in wanted if "\u0600" <= character <= "\u06ff"}
    right = max(edges[2] for text, edges in lines_of_pdf(content) if "\u0621" <= text[:1] <= "\u064a")
    assert 185 <= right <= 191


def test_each_glyph_of_an_arabic_letter_is_in_its_font(noto: tuple[Path, ...]) -> None:
    content = pdf(printed_letter(LETTERS["ar"], address=("Ministry", "Bogotá")), noto)
    shown = [sign for sign in _characters(extract_pages(io.BytesIO(content))) if sign.get_text().strip()]
    arabic = [sign for sign in shown if any("\u0600" <= one <= "\u06ff" for one in sign.get_text())]
    assert len(arabic) > 100
    assert {sign.fontname.partition("+")[2] for sign in arabic} == {"NotoNaskhArabic-Regular"}
    # A missing glyph has number 0 (.notdef), a box; a glyph without a character is extracted as (cid:…).
    assert not [sign for sign in shown if "(cid:" in sign.get_text() or "\ufffd" in sign.get_text()]
    numbers = _glyphs(content)
    assert len(numbers) > 150
    assert 0 not in numbers


def _glyphs(content: bytes) -> list[int]:
    """Return the numbers of all glyphs of the pages; every font is Identity-H, with two bytes for each glyph."""
    found: list[int] = []
    for page in PdfReader(io.BytesIO(content)).pages:
        contents = page.get_contents()
        assert contents is not None
        for operands, operator in contents.operations:
            if operator in {b"Tj", b"TJ"}:
                for part in operands[0] if operator == b"TJ" else operands:
                    raw = getattr(part, "original_bytes", b"")
                    found += [int.from_bytes(raw[place : place + 2]) for place in range(0, len(raw), 2)]
    return found


def test_a_number_on_an_arabic_fax_runs_from_left_to_right(noto: tuple[Path, ...]) -> None:
    cover = FaxCover("فاكس", (("رقم الفاكس", "+57 1 000 00 00"),))
    pages = extract_pages(io.BytesIO(pdf(printed_letter(LETTERS["ar"], cover=cover), noto)))
    places = {sign.get_text(): sign.x0 for sign in _characters(pages) if sign.get_text() in "+57"}
    assert places["+"] < places["5"] < places["7"]


def _characters(element: Any) -> Iterator[LTChar]:
    if isinstance(element, LTChar):
        yield element
    elif isinstance(element, Iterable):
        for part in element:
            yield from _characters(part)
