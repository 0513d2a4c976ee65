"""Cleaning of typed text, and codes of languages."""

from __future__ import annotations

import re
import unicodedata

from babel.localedata import exists


def is_language(code: str) -> bool:
    """Return whether pages can be shown in that language (ISO 639-1, known to CLDR)."""
    return re.fullmatch("[a-z]{2}", code) is not None and exists(code)


def unix_lines(text: str) -> str:
    """Return the text with a line feed at the end of each line: browsers and mails send CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_controls(text: str) -> str:
    """Return the text without control and unassigned characters, with line feeds and tabs, as `unix_lines`."""
    return "".join(
        one for one in unix_lines(text) if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cs", "Cn", "Co"}
    )


def clean(text: str, *, lines: bool = True) -> str:
    """Return the text without control characters and spaces at the ends of lines; `lines` False makes it one line."""
    kept = without_controls(text)
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip() if lines else " ".join(kept.split())
