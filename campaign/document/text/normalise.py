"""Text without what templates vary: case, accents, kinds of apostrophe, dash and space.

Every fold keeps the length, so that what is found in the folded text can be cut from the original.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_SAME = {
    **dict.fromkeys("’‘‛`´ʼ′＇", "'"),
    **dict.fromkeys("“”„«»‟", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("：﹕", ":"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\t\v\f", " "),
    "／": "/",
    "⁄": "/",
    "æ": "a",
    "œ": "o",
    "ø": "o",
    "ł": "l",
    "ı": "i",
    "đ": "d",
}


class _Folded(dict[int, str]):
    """A translation table that learns each character when it first meets it."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _SAME:
            folded = _SAME[char]
        elif char.isspace():
            folded = " "
        else:
            base = unicodedata.normalize("NFKD", char)[0].lower()[:1] or char
            folded = _SAME.get(base, base)
        self[code] = folded
        return folded


_TABLE = _Folded()
_WORD = re.compile(r"[^\W_]+")


class NormalisedWord(NamedTuple):
    """A folded word and where it stands in its line."""

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """The text in lower case without accents and typographic variants, of the same length."""
    return text.translate(_TABLE)


def words(text: str, limit: int = 0) -> list[NormalisedWord]:
    """The words of a text, folded, without any punctuation or emphasis; at most `limit` where given."""
    found: list[NormalisedWord] = []
    for match in _WORD.finditer(fold(text)):
        found.append(NormalisedWord(match.group(), match.start(), match.end()))
        if limit and len(found) == limit:
            break
    return found


def names(text: str) -> list[str]:
    """The words of a text, folded, without their places."""
    found: list[str] = _WORD.findall(fold(text))
    return found


def key(text: str) -> str:
    """What two spellings of the same words have in common."""
    return " ".join(names(text))


def has_words(text: str) -> bool:
    """Whether anything but marks and spaces stands there."""
    return _WORD.search(text) is not None
