"""Share cards, posters and sheets, typeset by typst; one at a time, because each occupies a processor core."""

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
from campaign.letter.fonts import font_families, font_files
from campaign.letter.letter_pdf import is_printable, typst_inputs
from campaign.theme import Theme

_FOLDER = ROOT / "templates" / "share"
_DOTS_PER_INCH = 144
_WAIT_SECONDS = 5.0
_typesetting_lock = threading.Lock()


class BusyError(Exception):
    """Other pictures are being typeset; a request some seconds later may succeed."""


def card_png(texts: dict[str, Any], language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """Return a PNG of 1200 × 630 pixels. Texts that no font can show are left out, so that there is always a card."""
    printable_texts = {
        name: "" if isinstance(value, str) and not is_printable(value, fonts) else value
        for name, value in texts.items()
    }
    return _typeset("card.typ", printable_texts, language, theme, fonts, "png")


def poster_pdf(texts: dict[str, Any], address: str, language: str, theme: Theme, fonts: tuple[Path, ...]) -> bytes:
    """Return a PDF page in A4 with the address as a QR code. The fonts must be able to show all texts."""
    return _typeset("poster.typ", texts | _qr_code(address), language, theme, fonts, "pdf")


def signature_sheet_pdf(
    texts: dict[str, Any], address: str, language: str, theme: Theme, fonts: tuple[Path, ...]
) -> bytes:
    """Return a PDF page in A4 with `texts["rows"]` rows to sign by hand. The fonts must be able to show all texts."""
    return _typeset("sheet.typ", texts | _qr_code(address), language, theme, fonts, "pdf")


def _qr_code(address: str) -> dict[str, str]:
    code = io.BytesIO()
    # Level Q: the code stays readable if a quarter of it is torn or dirty.
    segno.make(address, error="q", micro=False).save(code, kind="svg", border=1, xmldecl=False)
    return {"qr": code.getvalue().decode(), "address": address}


def _typeset(
    template: str,
    texts: dict[str, Any],
    language: str,
    theme: Theme,
    fonts: tuple[Path, ...],
    output_format: Literal["png", "pdf"],
) -> bytes:
    """Return the template's output for the texts. Raises BusyError if other pictures take too long."""
    data = texts | {
        "lang": language,
        "rtl": Locale(language).text_direction == "rtl",
        "colours": theme.light,
        "fonts": font_families(fonts, json.dumps(texts, ensure_ascii=False)),
    }
    if not _typesetting_lock.acquire(timeout=_WAIT_SECONDS):
        raise BusyError
    try:
        output: Any = typst.compile(
            (_FOLDER / template).read_bytes(),
            format=output_format,
            ppi=_DOTS_PER_INCH if output_format == "png" else None,
            ignore_system_fonts=True,
            font_paths=font_files(fonts),
            sys_inputs=typst_inputs(data),
            pdf_standards="ua-1" if output_format == "pdf" else [],
        )
    finally:
        _typesetting_lock.release()
    return output if isinstance(output, bytes) else output[0]
