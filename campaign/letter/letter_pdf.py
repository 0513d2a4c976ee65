"""The letter on paper: a PDF with the address in the window, or a page to fax, typeset by typst.

Text from a document or a supporter is passed as data (`sys.inputs`), never in the source, so it cannot become code.
System fonts are not used, because they would change the result. typst has fonts for Latin, Greek and Cyrillic; other
scripts need TOCSIN_FONTS. The format is PDF/UA-1, because screen readers can read it, and because typst then refuses a
text that its fonts cannot show instead of printing boxes.
"""

from __future__ import annotations

import json
import string
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst
from babel import Locale
from babel.dates import format_date

from campaign.config import ROOT
from campaign.domain.errors import TocsinError
from campaign.letter.address_window import DIN, SheetLayout
from campaign.letter.fonts import font_families, font_files
from campaign.letter.plain_text import Letter

_SOURCE = ROOT / "templates" / "letter" / "letter.typ"
# The shortest lines of a longer address are joined.
_MAX_ADDRESS_LINES = 9
_MISSING_GLYPH_MESSAGE = "could not be displayed"
_CHARACTERS_SOURCE = b"""#let it = json(bytes(sys.inputs.it))
#set document(title: "-")
#set text(font: it.fonts, fallback: false)
#it.text"""


_EMBEDDED_CHARACTERS = frozenset(f"{string.ascii_letters}{string.digits} .,")


class GlyphError(TocsinError):
    """A text that no configured font can show; TOCSIN_FONTS names folders with further fonts."""


@dataclass(frozen=True, slots=True)
class FaxCover:
    """The top of a fax page: its heading, and rows of label and value."""

    heading: str
    rows: tuple[tuple[str, str], ...]


# A placeholder, in a row of the cover, for the number of pages, which is known only after typesetting.
PAGES = "#pages"


@dataclass(frozen=True, slots=True)
class PrintedLetter:
    """A sheet to print: the letter, or talking points with lines to write on, with address and paper."""

    language: str
    title: str
    address: tuple[str, ...]
    dated: date
    letter: Letter | None
    name: str = ""
    layout: SheetLayout = DIN
    cover: FaxCover | None = None
    points: tuple[str, ...] = ()
    points_heading: str = ""


def pdf(sheet: PrintedLetter, fonts: tuple[Path, ...]) -> bytes:
    """Return the letter as PDF/UA-1. Raises GlyphError where no font can show a character of it."""
    return typeset(_SOURCE.read_bytes(), _template_values(sheet, fonts), fonts)


def is_printable(text: str, fonts: tuple[Path, ...]) -> bool:
    """Return whether the fonts can show every character of that text."""
    # typst's own font has the embedded characters. With them, each new number in a text would have to be typeset.
    characters = set(text) - _EMBEDDED_CHARACTERS
    return not characters or _are_covered("".join(sorted(characters)), fonts)


@lru_cache(maxsize=500)
def _are_covered(characters: str, fonts: tuple[Path, ...]) -> bool:
    """Return whether the fonts have all of these characters, by typesetting them."""
    try:
        typeset(_CHARACTERS_SOURCE, {"fonts": font_families(fonts, characters), "text": characters}, fonts)
    except GlyphError:
        return False
    return True


# Characters that PDF/UA-1 (ISO 14289-1, 7.21.8) forbids in a text, and control characters, which no font has.
_CONTROLS = {item for item in (*range(0x20), *range(0x7F, 0xA0)) if chr(item) not in "\t\n\r"}
_REMOVED_CHARACTERS = dict.fromkeys([*_CONTROLS, 0xFEFF, 0xFFFE])


def typst_inputs(data: dict[str, Any]) -> dict[str, str]:
    """Return the `sys.inputs` of a typst source. `it` is the data as JSON, without unprintable characters."""
    return {"it": json.dumps(_without_unprintable(data))}


def _without_unprintable(value: Any) -> Any:
    """Return the value with the unprintable characters removed from its texts, also in lists and dictionaries."""
    if isinstance(value, str):
        return value.translate(_REMOVED_CHARACTERS)
    if isinstance(value, dict):
        return {name: _without_unprintable(item) for name, item in value.items()}
    return [_without_unprintable(item) for item in value] if isinstance(value, list | tuple) else value


def typeset(source: bytes, data: dict[str, Any], fonts: tuple[Path, ...]) -> bytes:
    """Return the typst source with the data as PDF/UA-1. Raises GlyphError where the data's `fonts` cannot show it."""
    try:
        content, _warnings = typst.compile_with_warnings(
            source,
            format="pdf",
            ignore_system_fonts=True,
            font_paths=font_files(fonts),
            sys_inputs=typst_inputs(data),
            pdf_standards="ua-1",
        )
    except typst.TypstError as error:
        if _MISSING_GLYPH_MESSAGE in str(error):
            raise GlyphError("no configured font can show this text (TOCSIN_FONTS)") from error
        raise
    return content


def clear_typst_cache() -> None:
    """Free the memory in which typst caches the last documents: some 60 MB for ten thousand names.

    typst has no function for that, but drops what the last ten documents have not used. So empty ones are typeset.
    """
    for _ in range(11):
        typst.compile(b"", format="pdf", ignore_system_fonts=True)


def _template_values(sheet: PrintedLetter, fonts: tuple[Path, ...]) -> dict[str, Any]:
    """Return the values of the typst template for one sheet."""
    letter, layout = sheet.letter, sheet.layout
    texts = {
        "title": sheet.title or "-",
        "address": _joined_lines(sheet.address),
        "date": format_date(sheet.dated, "long", locale=sheet.language),
        "paragraphs": [part for part in (letter.salutation, *letter.paragraphs) if part] if letter else [],
        "closing": letter.closing if letter else "",
        "name": (letter.name if letter else "") or sheet.name,
        "points": list(sheet.points) if letter is None else [],
        "points_heading": sheet.points_heading,
        "fax": asdict(sheet.cover) if sheet.cover else None,
    }
    return {
        **texts,
        "lang": sheet.language,
        "rtl": Locale(sheet.language).text_direction == "rtl",
        "rtl_address": reads_from_right("".join(sheet.address)),
        "fonts": font_families(fonts, json.dumps(texts, ensure_ascii=False)),
        "sheet": {"width": layout.width, "height": layout.height, "body": layout.body, "folds": list(layout.folds)},
        "window": asdict(layout.window) | {"spare": layout.spare},
        "ruled": 0 if letter else 10,
    }


def _joined_lines(lines: tuple[str, ...]) -> list[str]:
    """Return the lines, the shortest joined until they fit into the window."""
    joined = list(lines)
    while len(joined) > _MAX_ADDRESS_LINES:
        index = min(range(len(joined) - 1), key=lambda number: len(joined[number]) + len(joined[number + 1]))
        joined[index : index + 2] = [f"{joined[index]}, {joined[index + 1]}"]
    return joined


def reads_from_right(text: str) -> bool:
    """Return whether an address is in a script written from the right (Hebrew, Arabic and their neighbours)."""
    return any("\u0590" <= character <= "\u08ff" for character in text)
