"""The reference of a case in every form the templates gave it, brought to `UA number/year` and a sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from campaign.document.labels import vocabulary
from campaign.document.text.normalise import NormalisedWord, fold, words

# `UA-257-1/2014`: the number, then which follow-up it is.
_GERMAN = re.compile(r"(?<!\w)(?:ua|au|fi)[ -]{0,3}(\d{1,3})-(\d{1,2}) ?/ ?(\d{4}|\d{2})(?!\d)")
_USUAL = re.compile(
    r"(?<!\w)(?:ua|au|fi)(?: ?-? ?(?:nr|no|n)\b)?(?: ?(?:ua|au)(?!\w))?[ :.°º#-]{0,5}"
    r"(\d{1,3}) ?[/.-] ?(\d{4}|\d{2})(?:-(\d{1,2}))?(?![\d/])"
)
_SPELT = re.compile(
    r"(?<!\w)(?:urgent action|action urgente|accion urgente)[ :#-]{1,4}(\d{1,3}) ?[/.] ?(\d{4}|\d{2})(?!\d)"
)
_LETTERED = re.compile(r"(\d{1,2}) ?(?:st|nd|rd|th|e|eme|re|ere|er|a|o|ª|º|\.)(?!\w)")
_INDEX = re.compile(r"(?<!\w)([a-z]{3}) ?(\d{1,3}) ?/ ?(\d{1,6}) ?/ ?(\d{1,4})(?![\d/])")
_BROKEN = re.compile(r"(?<!\w)([a-z]{3}) ?(\d{1,3}) ?/ ?(\d{1,6})(?![\d/])")
_REGIONS = frozenset({"afr", "amr", "asa", "eur", "mde", "act", "org", "pol", "ior", "nws", "doc", "fin"})


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a reference stands and what it says; `sequence` is None where a follow-up has no number."""

    start: int
    end: int
    name: str
    sequence: int | None
    is_follow_up: bool


@dataclass(frozen=True, slots=True)
class DocumentIndex:
    """A document index as written, and whether it has the form that an index must have."""

    start: int
    end: int
    text: str
    is_valid: bool


def _name(number: str, year: str) -> str:
    return f"UA {int(number)}/{year[-2:]}"


def find_reference(text: str) -> Reference | None:
    """The first reference of a text with what stands before it, which says which follow-up it is."""
    folded = fold(text)
    if match := _GERMAN.search(folded):
        return Reference(match.start(), match.end(), _name(match[1], match[3]), int(match[2]) + 1, True)
    match = _USUAL.search(folded)
    if match is None:
        match = _SPELT.search(folded)
        return Reference(match.start(), match.end(), _name(match[1], match[2]), 1, False) if match else None
    start, sequence, follows = _sequence(folded[: match.start()])
    if match[3]:
        sequence, follows = int(match[3]) + 1, True
    elif folded[match.start() : match.start() + 2] == "fi" and not follows:
        sequence, follows = None, True
    return Reference(start, match.end(), _name(match[1], match[2]), sequence, follows)


def find_references(text: str) -> list[Reference]:
    """All references of a text in their order."""
    found: list[Reference] = []
    at = 0
    while reference := find_reference(text[at:]):
        found.append(
            Reference(
                reference.start + at,
                reference.end + at,
                reference.name,
                reference.sequence,
                reference.is_follow_up,
            )
        )
        at += reference.end
    return found


def _sequence(before: str) -> tuple[int, int | None, bool]:
    """Where the words that belong to the reference begin, its sequence, and whether they call it a follow-up."""
    tail = words(before)[-8:]
    names = [word.text for word in tail]
    start, sequence, follows = len(before), 1, False
    first = len(names)
    for phrase in vocabulary().header["follow_up"]:
        size = len(phrase.words)
        for at in range(len(names) - size, -1, -1):
            if tuple(names[at : at + size]) == phrase.words:
                follows, first = True, min(first, at)
                break
    number = _ordinal(names[: first if follows else len(names)], before, tail)
    if number is not None:
        at, ordinal = number
        first, sequence = min(first, at), ordinal + 1 if follows else ordinal
    elif follows:
        return tail[first].start, None, True
    if first < len(names):
        start = tail[first].start
    return start, sequence, follows


def _ordinal(names: list[str], before: str, tail: list[NormalisedWord]) -> tuple[int, int] | None:
    """The ordinal that ends these words: `First`, `6th`, `3ª`."""
    for at in range(len(names) - 1, max(len(names) - 3, -1), -1):
        for size in (2, 1):
            form = tuple(names[at : at + size])
            if form in vocabulary().ordinals and not names[at].isdigit():
                return at, vocabulary().ordinals[form]
        match = _LETTERED.match(before, tail[at].start)
        if match:
            return at, int(match[1])
    return None


def find_indexes(text: str) -> list[DocumentIndex]:
    """The document indexes of a text; a malformed one is kept as written."""
    folded = fold(text)
    found = [
        DocumentIndex(
            match.start(),
            match.end(),
            text[match.start() : match.end()],
            match[1] in _REGIONS and len(match[2]) == 2 and 2 <= len(match[3]) <= 4 and len(match[4]) in {2, 4},
        )
        for match in _INDEX.finditer(folded)
        if match[1] not in {"nos", "che"}
    ]
    if not found:
        found = [
            DocumentIndex(match.start(), match.end(), text[match.start() : match.end()], False)
            for match in _BROKEN.finditer(folded)
            if match[1] in _REGIONS
        ]
    return found
