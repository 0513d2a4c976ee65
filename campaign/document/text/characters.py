"""Characters that look like nothing or like a space: removed or made ordinary before anything is matched.

Word processors, browsers and PDF programs put them before labels, into bullets and into addresses.
"""

from __future__ import annotations

import re
import unicodedata

# Every character at which a line ends, in mail programs, editors, web pages and terminals.
LINE_ENDS = re.compile(r"\r\n|\r|\n|\x0b|\x0c|\x1c|\x1d|\x1e|\x85|\u2028|\u2029")
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u2800"
# Soft hyphen, zero-width space, word joiner, byte order mark, marks of the writing direction, invisible operators,
# fillers, variation selectors, and the mark for an embedded object.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069"
    "\u206a\u206b\u206c\u206d\u206e\u206f\u3164\ufeff\uffa0\ufff9\ufffa\ufffb\ufffc"
)
_SELECTORS = [*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0)]
_TABLE: dict[int, str | None] = {
    **{ord(char): " " for char in _SPACES},
    **{ord(char): None for char in _INVISIBLE},
    **dict.fromkeys(_SELECTORS),
}
_JOINER = re.compile("[\u200c\u200d]+")
# Persian, Urdu and the scripts of India write joiners between letters; elsewhere they are leftovers.
_SCRIPTS_WITH_JOINERS = (
    "ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU",
    "KANNADA", "MALAYALAM", "SINHALA",
)  # fmt: skip


def clean(line: str) -> str:
    """Return a line with ordinary spaces and without invisible characters.

    A soft hyphen after a letter at the end stays, since it shows that the word continues in the next line.
    """
    if line.isascii():
        return line
    text = line.translate(_TABLE)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINER.sub(_joiner_between_letters, text)
    return text + ("\u00ad" if line.endswith("\u00ad") and line[-2:-1].isalpha() else "")


def _joiner_between_letters(match: re.Match[str]) -> str:
    """Return the joiners if both neighbours are letters of a script that writes them, else nothing."""
    neighbours = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    is_written = all(unicodedata.name(char or " ", "").startswith(_SCRIPTS_WITH_JOINERS) for char in neighbours)
    return match.group()[:1] if is_written else ""
