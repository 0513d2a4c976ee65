"""Cutting a document line's words out of a value, and inserting them into another in the document's order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from campaign.document.text.emphasis import plain_text
from campaign.document.text.normalise import normalise

_WORD = re.compile(r"[^\W_]+")
_BULLET = re.compile(r"\s*[-•·▪►–—*+]\s+")
_LAST_BULLET = re.compile(r"(?:^|\n)[ \t]*[-•·▪►–—+]$")
# How many following lines are searched for the place of an insertion: a document may have thousands.
_MOST_SOURCES = 20
_EDGES = " \t\n,;:*_"


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line of the document as plain text, with its number from 1."""

    number: int
    text: str

    @classmethod
    def read(cls, number: int, text: str) -> DocumentLine:
        """Return the line without its list marker and without Markdown."""
        return cls(number, plain_text(_BULLET.sub("", text, count=1) if _BULLET.match(text) else text).strip())


def contains(text: str, words: str) -> bool:
    """Return whether the text has these words in their order, whatever the case, accents and marks between them."""
    return _find(text, words) is not None


def overlaps(text: str, other: str) -> bool:
    """Return whether the longer of the two texts has the words of the other."""
    return contains(text, other) if len(text) >= len(other) else contains(other, text)


def cut(value: str, line: DocumentLine) -> tuple[str, str]:
    """Return the value without the line's words, and what was cut; a value that is a part of the line is cut whole."""
    if len(value) <= 2 * len(line.text) and contains(line.text, value):
        return "", value
    span = _find(value, line.text)
    if span is None:
        return value, ""
    before, after = value[: span[0]].rstrip(_EDGES), value[span[1] :].lstrip(_EDGES + ".)")
    before = _LAST_BULLET.sub("", before)
    gap = value[len(before) : len(value) - len(after)]
    separator = "\n" if "\n" in gap else " "
    return (f"{before}{separator}{after}" if before and after else before or after), value[span[0] : span[1]]


def cut_from_list(
    items: Sequence[str], line: DocumentLine, others: Sequence[DocumentLine]
) -> tuple[list[str], list[str]]:
    """Return the items without the line's words, and the words that were cut.

    `others` are the further lines of the same field: an item that only repeats a part of the line stays if one of them
    has it.
    """
    exact = next((item for item in items if contains(item, line.text) and contains(line.text, item)), None)
    if exact is not None:
        rest = list(items)
        rest.remove(exact)
        return rest, [exact]
    rest, pieces = [], []
    for item in items:
        is_shared = contains(line.text, item) and any(contains(other.text, item) for other in others)
        left, piece = (item, "") if is_shared else cut(item, line)
        if left:
            rest.append(left)
        if piece:
            pieces.append(piece)
    return rest, pieces


def insert_in_order(
    items: Sequence[str], new_items: Sequence[str], number: int, sources: Sequence[DocumentLine]
) -> list[str]:
    """Return the items with the new ones before the item that comes from the next line of the document.

    `sources` are the lines of the same field, `number` is the line of the new items. If none of the next lines is in an
    item, the new ones are the last. An item that is there already is not repeated.
    """
    added = [item for item in new_items if item not in items]
    later = sorted((line for line in sources if line.number > number), key=lambda line: line.number)
    for source in later[:_MOST_SOURCES]:
        for index, item in enumerate(items):
            if overlaps(item, source.text):
                return [*items[:index], *added, *items[index:]]
    return [*items, *added]


def _find(text: str, words: str) -> tuple[int, int] | None:
    """Return start and end of the words in the text; None if it does not have them, or there are none."""
    tokens = _WORD.findall(normalise(words))
    if not tokens:
        return None
    pattern = r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, tokens)) + r"(?![^\W_])"
    match = re.search(pattern, normalise(text))
    return None if match is None else match.span()
