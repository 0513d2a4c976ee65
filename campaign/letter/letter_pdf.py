"""The letter on paper: a PDF with the address in the window, or a page ready to fax, typeset by typst.

Text from a document or a supporter goes in as data (`sys.inputs`), never into the source, so it cannot become code.
System fonts are not used: a machine's fonts would change the result. typst brings a font for Latin, Greek and Cyrillic;
other scripts need TOCSIN_FONTS. PDF/UA-1 is chosen because machines can read it, and because typst then refuses a text
that its fonts cannot show instead of printing boxes.
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
from campaign.letter.fonts import faces, families
from campaign.letter.plain_text import Letter

_SOURCE = ROOT / "templates" / "letter" / "letter.typ"
# An address of more lines has its shortest ones joined.
_MOST_LINES = 9
_NOT_SHOWN = "could not be displayed"
_CHARACTERS = b"""#let it = json(bytes(sys.inputs.it))
#set document(title: "-")
#set text(font: it.fonts, fallback: false)
#it.text"""


_SURE = frozenset(f"{string.ascii_letters}{string.digits} .,")


class GlyphError(TocsinError):
    """A text that no configured font can show; TOCSIN_FONTS names folders with further fonts."""


@dataclass(frozen=True, slots=True)
class FaxCover:
    """The top of a fax page: its heading, and rows of label and value."""

    heading: str
    rows: tuple[tuple[str, str], ...]


# Stands in a row of the cover for the number of pages, which only typesetting tells.
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
    return typeset(_SOURCE.read_bytes(), _data(sheet, fonts), fonts)


def is_printable(text: str, fonts: tuple[Path, ...]) -> bool:
    """Return whether the fonts can show every character of that text."""
    # typst's own font has these. With them every new number would be typeset once more.
    asked = set(text) - _SURE
    return not asked or _is_covered("".join(sorted(asked)), fonts)


@lru_cache(maxsize=500)
def _is_covered(characters: str, fonts: tuple[Path, ...]) -> bool:
    try:
        typeset(_CHARACTERS, {"fonts": families(fonts, characters), "text": characters}, fonts)
    except GlyphError:
        return False
    return True


# Characters that PDF/UA-1 (ISO 14289-1, 7.21.8) forbids in a text, and controls, which no font has.
_CONTROLS = {one for one in (*range(0x20), *range(0x7F, 0xA0)) if chr(one) not in "\t\n\r"}
_UNSHOWN = dict.fromkeys([*_CONTROLS, 0xFEFF, 0xFFFE])


def inputs(data: dict[str, Any]) -> dict[str, str]:
    """Return the `sys.inputs` of a typst source: `it` is the data as JSON, without characters that no PDF can show."""
    return {"it": json.dumps(_shown(data))}


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value.translate(_UNSHOWN)
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    return [_shown(one) for one in value] if isinstance(value, list | tuple) else value


def typeset(source: bytes, data: dict[str, Any], fonts: tuple[Path, ...]) -> bytes:
    """Return the typst source with the data as PDF/UA-1. Raises GlyphError where the data's `fonts` cannot show it."""
    try:
        content, _warnings = typst.compile_with_warnings(
            source,
            format="pdf",
            ignore_system_fonts=True,
            font_paths=faces(fonts),
            sys_inputs=inputs(data),
            pdf_standards="ua-1",
        )
    except typst.TypstError as error:
        if _NOT_SHOWN in str(error):
            raise GlyphError("no configured font can show this text (TOCSIN_FONTS)") from error
        raise
    return content


def forget() -> None:
    """Free the memory in which typst caches the last documents: some 60 MB for ten thousand names.

    typst drops what ten further documents have not used, so empty ones are typeset. It has no call for that.
    """
    for _ in range(11):
        typst.compile(b"", format="pdf", ignore_system_fonts=True)


def _data(sheet: PrintedLetter, fonts: tuple[Path, ...]) -> dict[str, Any]:
    letter, layout = sheet.letter, sheet.layout
    words = {
        "title": sheet.title or "-",
        "address": _joined(sheet.address),
        "date": format_date(sheet.dated, "long", locale=sheet.language),
        "paragraphs": [part for part in (letter.salutation, *letter.paragraphs) if part] if letter else [],
        "closing": letter.closing if letter else "",
        "name": (letter.name if letter else "") or sheet.name,
        "points": list(sheet.points) if letter is None else [],
        "points_heading": sheet.points_heading,
        "fax": asdict(sheet.cover) if sheet.cover else None,
    }
    return {
        **words,
        "lang": sheet.language,
        "rtl": Locale(sheet.language).text_direction == "rtl",
        "rtl_address": reads_from_right("".join(sheet.address)),
        "fonts": families(fonts, json.dumps(words, ensure_ascii=False)),
        "sheet": {"width": layout.width, "height": layout.height, "body": layout.body, "folds": list(layout.folds)},
        "window": asdict(layout.window) | {"spare": layout.spare},
        "ruled": 0 if letter else 10,
    }


def _joined(lines: tuple[str, ...]) -> list[str]:
    """Return at most as many lines as stay readable in a window."""
    joined = list(lines)
    while len(joined) > _MOST_LINES:
        place = min(range(len(joined) - 1), key=lambda number: len(joined[number]) + len(joined[number + 1]))
        joined[place : place + 2] = [f"{joined[place]}, {joined[place + 1]}"]
    return joined


def reads_from_right(text: str) -> bool:
    """Return whether an address is in a script written from the right (Hebrew, Arabic and their neighbours)."""
    return any("\u0590" <= character <= "\u08ff" for character in text)
