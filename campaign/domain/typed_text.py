"""Text as people type it: cleaned, and the codes of languages."""

from __future__ import annotations

import re
import unicodedata

from babel.localedata import exists


def is_language(code: str) -> bool:
    """Whether pages can be shown in that language (ISO 639-1, known to CLDR)."""
    return re.fullmatch("[a-z]{2}", code) is not None and exists(code)


def clean(text: str, *, lines: bool = True) -> str:
    """Without control characters and spaces at the ends; lines end with a line feed, or become spaces."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(one for one in text if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cs", "Cn", "Co"})
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip() if lines else " ".join(kept.split())
