"""Removal of what mail programs and editors add to a text: mixed line ends, `>` marks, invisible characters."""

from __future__ import annotations

import re

from campaign.document.text.lines import Line

_LINE_ENDS = re.compile(r"\r\n|\r|\n|\x0b|\x0c|\x1c|\x1d|\x1e|\x85|\u2028|\u2029")
_QUOTE_MARKS = re.compile(r"^(?:[ \t]{0,3}>[ ]?){1,20}")
# Soft hyphen, zero-width characters, byte order mark, and marks of the writing direction.
_INVISIBLE = dict.fromkeys(
    (
        0xAD,
        0x200B,
        0x2060,
        0xFEFF,
        0x200E,
        0x200F,
        0x202A,
        0x202B,
        0x202C,
        0x202D,
        0x202E,
        0x2066,
        0x2067,
        0x2068,
        0x2069,
    )
)


def split_lines(text: str) -> list[Line]:
    """Return the lines of a text. Quote marks are removed if at least half of the lines with text have them."""
    lines = [without_invisible(line) for line in _LINE_ENDS.split(text)]
    filled = [line for line in lines if line.strip()]
    quoted_count = sum(line.lstrip().startswith(">") for line in filled)
    if filled and quoted_count * 2 >= len(filled):
        lines = [_QUOTE_MARKS.sub("", line) for line in lines]
    return [Line(number, line) for number, line in enumerate(lines, start=1)]


def without_invisible(line: str) -> str:
    """Return the line without invisible characters.

    A soft hyphen after a letter at the end stays, since it shows that the word continues in the next line.
    """
    return line.translate(_INVISIBLE) + ("\u00ad" if line.endswith("\u00ad") and line[-2:-1].isalpha() else "")
