"""Pictures and posters for sharing an appeal, typeset by typst, one at a time because it occupies a core."""

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
_typesetting_lock = threading.Lock()


class BusyError(Exception):
    """Too many requests at once; in some seconds there is room again."""


def card_png(words: dict[str, Any], language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """Return a PNG of 1200 × 630 pixels. Text that no font can show is left out, so that there is always a card."""
    printable = {
        name: "" if isinstance(value, str) and not is_printable(value, fonts) else value
        for name, value in words.items()
    }
    return _typeset("card.typ", printable, language, theme, fonts, "png")


def poster_pdf(words: dict[str, Any], address: str, language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """Return a PDF page in A4 with the address as a QR code. The caller has checked that the words are printable."""
    return _typeset("poster.typ", words | _qr_code(address), language, theme, fonts, "pdf")


def signature_sheet_pdf(
    words: dict[str, Any], address: str, language: str, theme: Theme, fonts: tuple[Path, ...]
) -> bytes:
    """Return a PDF page in A4 for signing by hand, with `words["rows"]` rows.

    The caller has checked that the words are printable.
    """
    return _typeset("sheet.typ", words | _qr_code(address), language, theme, fonts, "pdf")


def _qr_code(address: str) -> dict[str, str]:
    code = io.BytesIO()
    # Level Q: the code stays readable if a quarter of it is torn or dirty.
    segno.make(address, error="q", micro=False).save(code, kind="svg", border=1, xmldecl=False)
    return {"qr": code.getvalue().decode(), "address": address}


def _typeset(
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
    if not _typesetting_lock.acquire(timeout=_WAIT_SECONDS):
        raise BusyError
    try:
        output: Any = typst.compile(
            (_FOLDER / source).read_bytes(),
            format=kind,
            ppi=_DOTS_PER_INCH if kind == "png" else None,
            ignore_system_fonts=True,
            font_paths=faces(fonts),
            sys_inputs=inputs(data),
            pdf_standards="ua-1" if kind == "pdf" else [],
        )
    finally:
        _typesetting_lock.release()
    return output if isinstance(output, bytes) else output[0]
