"""Normalised text: without differences of case, accents, and kinds of apostrophe, dash and space.

Normalising keeps the length, so that a position in the normalised text is the same position in the original.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_REPLACEMENTS = {
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


class _TranslationTable(dict[int, str]):
    """A translation table that computes the replacement of a character when it first occurs."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _REPLACEMENTS:
            replacement = _REPLACEMENTS[char]
        elif char.isspace():
            replacement = " "
        else:
            base = unicodedata.normalize("NFKD", char)[0].lower()[:1] or char
            replacement = _REPLACEMENTS.get(base, base)
        self[code] = replacement
        return replacement


_TABLE = _TranslationTable()
_MAX_REMEMBERED = 200  # characters of a text whose words are remembered
_USUAL_WORD_LENGTH = 16  # characters, with the space
# Arabic vowel signs stand inside a word, and are left out of it.
_VOWEL_SIGNS = "\u064b-\u0652\u0670"
_WORD = re.compile(rf"[^\W_]+(?:[{_VOWEL_SIGNS}]+[^\W_]*)*")
_VOWEL_SIGN = re.compile(f"[{_VOWEL_SIGNS}]")


class NormalisedWord(NamedTuple):
    """A normalised word and its position in the line."""

    text: str
    start: int
    end: int


def normalise(text: str) -> str:
    """Return the text in lower case, without accents and typographic variants, in the same length."""
    return text.translate(_TABLE)


def words(text: str, limit: int = 0) -> list[NormalisedWord]:
    """Return the normalised words of a text with their positions, at most `limit` of them if given."""
    if len(text) <= _MAX_REMEMBERED:
        return list(_words_of_short_text(text, limit))
    length = limit * _USUAL_WORD_LENGTH
    while limit and length < len(text):
        # Only as much of a long text as is needed; the last word may have been cut.
        found = _find_words(text[:length], limit + 1)
        if len(found) > limit:
            return found[:limit]
        length *= 4
    return _find_words(text, limit)


@lru_cache(maxsize=1024)
def _words_of_short_text(text: str, limit: int) -> tuple[NormalisedWord, ...]:
    """Return the words of a short text. Many rules look at each line of a document, so its words are remembered."""
    return tuple(_find_words(text, limit))


def _find_words(text: str, limit: int) -> list[NormalisedWord]:
    result: list[NormalisedWord] = []
    plain = normalise(text)
    for match in _WORD.finditer(plain):
        word = match.group()
        if not word.isascii():
            word = _VOWEL_SIGN.sub("", word)
        result.append(NormalisedWord(word, match.start(), match.end()))
        if limit and len(result) == limit:
            break
    return result


def tokens(text: str) -> list[str]:
    """Return the normalised words of a text without their positions."""
    found: list[str] = _WORD.findall(normalise(text))
    return found if text.isascii() else [_VOWEL_SIGN.sub("", word) for word in found]


def normalised(text: str) -> str:
    """Return the normalised words of a text joined by spaces, equal for two spellings of the same words."""
    return " ".join(tokens(text))


def has_words(text: str) -> bool:
    """Return whether the text has a letter or a digit."""
    return _WORD.search(text) is not None
