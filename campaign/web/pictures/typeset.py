"""Pictures and posters that bring people to an appeal, set by typst. One at a time: setting keeps a core busy."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any, Literal

import segno
import typst
from babel import Locale

from campaign.config import ROOT
from campaign.letter.fonts import faces, families
from campaign.letter.letter_pdf import inputs, is_printable
from campaign.theme import Theme

_FOLDER = ROOT / "templates" / "share"
_DOTS_PER_INCH = 144
_WAIT_SECONDS = 5.0
_setting = threading.Lock()


class BusyError(Exception):
    """Too many ask at once; in some seconds there is room again."""


def card(words: dict[str, Any], language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """A PNG of 1200 × 630 pixels. What no font can show is left out, so that there is always a card."""
    shown = {
        name: "" if isinstance(value, str) and not is_printable(value, fonts) else value
        for name, value in words.items()
    }
    return _set("card.typ", shown, language, theme, fonts, "png")


def poster(words: dict[str, Any], address: str, language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """A PDF page in A4 with the address as a QR code. The caller has asked whether the words are printable."""
    return _set("poster.typ", words | _code(address), language, theme, fonts, "pdf")


def signature_sheet(words: dict[str, Any], address: str, language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """A PDF page in A4 to sign by hand, `words["rows"]` rows of it. The caller has asked whether it is printable."""
    return _set("sheet.typ", words | _code(address), language, theme, fonts, "pdf")


def _code(address: str) -> dict[str, str]:
    code = io.BytesIO()
    # A quarter of it may be torn or dirty.
    segno.make(address, error="q", micro=False).save(code, kind="svg", border=1, xmldecl=False)
    return {"qr": code.getvalue().decode(), "address": address}


def _set(
    source: str,
    words: dict[str, Any],
    language: str,
    theme: Theme,
    fonts: tuple[Path, ...],
    kind: Literal["png", "pdf"],
) -> bytes:
    data = words | {
        "lang": language,
        "rtl": Locale(language).text_direction == "rtl",
        "colours": theme.light,
        "fonts": families(fonts, json.dumps(words, ensure_ascii=False)),
    }
    if not _setting.acquire(timeout=_WAIT_SECONDS):
        raise BusyError
    try:
        made: Any = typst.compile(
            (_FOLDER / source).read_bytes(),
            format=kind,
            ppi=_DOTS_PER_INCH if kind == "png" else None,
            ignore_system_fonts=True,
            font_paths=faces(fonts),
            sys_inputs=inputs(data),
            pdf_standards="ua-1" if kind == "pdf" else [],
        )
    finally:
        _setting.release()
    return made if isinstance(made, bytes) else made[0]
