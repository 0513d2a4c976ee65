"""References of cases in every form that the templates used, as `UA number/year` and a sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from campaign.document.labels import vocabulary
from campaign.document.text.normalise import NormalisedWord, normalise, words

# `UA-257-1/2014`: the number of the case, then the number of the follow-up.
_GERMAN_FORM = re.compile(r"(?<!\w)(?:ua|au|fi)[ -]{0,3}(\d{1,3})-(\d{1,2}) ?/ ?(\d{4}|\d{2})(?!\d)")
_SPELT_OUT_FORM = re.compile(
    r"(?<!\w)(?:urgent action|action urgente|accion urgente)[ :#-]{1,4}(\d{1,3}) ?[/.] ?(\d{4}|\d{2})(?!\d)"
)
# Other series keep their own number: `EXTRA 06/96`, `OBS 029` of the Observatory, `RAN 24/12` of the writers' network.
_OTHER_SERIES = re.compile(r"(?<!\w)(?:(EXTRA|RAN) (\d{1,3}) ?/ ?(\d{4}|\d{2})|(OBS) (\d{1,3}))(?![\d/])")
_NUMBERED_UPDATE = re.compile(r"(?<!\w)(?:update|aktualisierung) ?#? ?(\d{1,2})\D{0,12}$")
_OTHER_NETWORK = re.compile(r"(?<!\w)(?:urgent appeal case|appeal case)[: ]{0,3}$")
_ORDINAL_NUMBER = re.compile(r"(\d{1,2}) ?(?:st|nd|rd|th|e|eme|re|ere|er|a|o|ª|º|\.)(?!\w)")
_INDEX = re.compile(r"(?<!\w)([a-z]{3}) ?(\d{1,3}) ?/ ?(\d{1,6}) ?/ ?(\d{1,4})(?![\d/])")
_INCOMPLETE_INDEX = re.compile(r"(?<!\w)([a-z]{3}) ?(\d{1,3}) ?/ ?(\d{1,6})(?![\d/])")
_REGIONS = frozenset({"afr", "amr", "asa", "eur", "mde", "act", "org", "pol", "ior", "nws", "doc", "fin"})


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference and its position; `sequence` is None for a follow-up without a number."""

    start: int
    end: int
    name: str
    sequence: int | None
    is_follow_up: bool
    is_numbered: bool = False  # an ordinal such as `First` says its number


@dataclass(frozen=True, slots=True)
class DocumentIndex:
    """A document index as written; `is_valid` is whether it has the form of an index."""

    start: int
    end: int
    text: str
    is_valid: bool


@cache
def _usual_form() -> re.Pattern[str]:
    """Return the pattern of a reference with the words of every language for a case, perhaps with an ordinal after."""
    words_for_case = {" ".join(phrase.words) for phrase in vocabulary().header["reference"]} | {"ua", "au", "fi"}
    names = "|".join(sorted(words_for_case, key=len, reverse=True))
    ordinals = "|".join(" ".join(spelling) for spelling in vocabulary().ordinals if not spelling[0][0].isdigit())
    return re.compile(
        rf"(?<!\w)(?P<word>{names})(?: ?-? ?(?:nr|no|n)\b)?(?: ?(?:ua|au)(?!\w))?(?: (?P<ordinal>{ordinals}))?"
        r"[ :.°º#-]{0,5}(?P<number>\d{1,3}) ?[/.-] ?(?P<year>\d{4}|\d{2})(?:-(?P<follow_up>\d{1,2}))?(?![\d/])"
    )


def _find_other_series(text: str) -> Reference | None:
    """Return the first reference of another series than UA, or None."""
    match = _OTHER_SERIES.search(text)
    if match is None:
        return None
    name = f"{match[1]} {int(match[2])}/{match[3][-2:]}" if match[1] else f"{match[4]} {match[5]}"
    update = _NUMBERED_UPDATE.search(normalise(text[: match.start()]))
    sequence = int(update[1]) + 1 if update else 1
    return Reference(update.start() if update else match.start(), match.end(), name, sequence, update is not None)


def _reference_name(number: str, year: str) -> str:
    return f"UA {int(number)}/{year[-2:]}"


def find_reference(text: str) -> Reference | None:
    """Return the first reference of a text, or None. The words before it give its sequence."""
    text_normalised = normalise(text)
    if match := _GERMAN_FORM.search(text_normalised):
        return Reference(match.start(), match.end(), _reference_name(match[1], match[3]), int(match[2]) + 1, True)
    match = _usual_form().search(text_normalised)
    if match and _OTHER_NETWORK.search(text_normalised[: match.start()]):
        match = None
    if match is None:
        return _find_spelt_out(text_normalised) or _find_other_series(text)
    start, sequence, is_follow_up = _find_sequence(text_normalised[: match.start()])
    if match["ordinal"]:
        sequence = vocabulary().ordinals[tuple(match["ordinal"].split())]
    elif match["follow_up"]:
        sequence, is_follow_up = int(match["follow_up"]) + 1, True
    elif match["word"] == "fi" and not is_follow_up:
        sequence, is_follow_up = None, True
    is_numbered = bool(match["ordinal"]) or (not is_follow_up and start < match.start())
    name = _reference_name(match["number"], match["year"])
    return Reference(start, match.end(), name, sequence, is_follow_up, is_numbered)


def _find_spelt_out(text_normalised: str) -> Reference | None:
    """Return the reference after the spelt-out name: `Urgent Action 160/17`, perhaps with `update` behind it."""
    match = _SPELT_OUT_FORM.search(text_normalised)
    if match is None:
        return None
    is_update = text_normalised[match.end() :].lstrip(" ,").startswith("update")
    return Reference(
        match.start(), match.end(), _reference_name(match[1], match[2]), None if is_update else 1, is_update
    )


def find_references(text: str) -> list[Reference]:
    """Return all references of a text in their order."""
    references: list[Reference] = []
    offset = 0
    while reference := find_reference(text[offset:]):
        references.append(replace(reference, start=reference.start + offset, end=reference.end + offset))
        offset += reference.end
    return references


def _find_sequence(before: str) -> tuple[int, int | None, bool]:
    """Return where the words before a reference begin, its sequence, and whether they call it a follow-up."""
    last_words = words(before)[-8:]
    texts = [word.text for word in last_words]
    start, sequence, is_follow_up = len(before), 1, False
    first_index = len(texts)
    for phrase in vocabulary().header["follow_up"]:
        size = len(phrase.words)
        for index in range(len(texts) - size, -1, -1):
            if tuple(texts[index : index + size]) == phrase.words:
                is_follow_up, first_index = True, min(first_index, index)
                break
    found_ordinal = _find_ordinal(texts[: first_index if is_follow_up else len(texts)], before, last_words)
    if found_ordinal is not None:
        index, ordinal = found_ordinal
        first_index, sequence = min(first_index, index), ordinal + 1 if is_follow_up else ordinal
    elif is_follow_up:
        return last_words[first_index].start, None, True
    if first_index < len(texts):
        start = last_words[first_index].start
    return start, sequence, is_follow_up


def _find_ordinal(texts: list[str], before: str, last_words: list[NormalisedWord]) -> tuple[int, int] | None:
    """Return the position and value of the ordinal that ends these words: `First`, `6th`, `3ª`; None without one."""
    for index in range(len(texts) - 1, max(len(texts) - 3, -1), -1):
        for size in (2, 1):
            spelling = tuple(texts[index : index + size])
            if spelling in vocabulary().ordinals and not texts[index].isdigit():
                return index, vocabulary().ordinals[spelling]
        match = _ORDINAL_NUMBER.match(before, last_words[index].start)
        if match:
            return index, int(match[1])
    return None


def find_indexes(text: str) -> list[DocumentIndex]:
    """Return the document indexes of a text; a malformed index is returned as written."""
    text_normalised = normalise(text)
    indexes = [
        DocumentIndex(
            match.start(),
            match.end(),
            text[match.start() : match.end()],
            match[1] in _REGIONS and len(match[2]) == 2 and 2 <= len(match[3]) <= 4 and len(match[4]) in {2, 4},
        )
        for match in _INDEX.finditer(text_normalised)
        if match[1] not in {"nos", "che"}
    ]
    if not indexes:
        indexes = [
            DocumentIndex(match.start(), match.end(), text[match.start() : match.end()], False)
            for match in _INCOMPLETE_INDEX.finditer(text_normalised)
            if match[1] in _REGIONS
        ]
    return indexes
