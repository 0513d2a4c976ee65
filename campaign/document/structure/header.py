"""The header of a document: the lines with its reference, index, country and date, in any order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

from campaign.document.fields.dates import find_dates, weekdays
from campaign.document.fields.languages import country_code
from campaign.document.fields.references import DocumentIndex, Reference, find_indexes, find_references
from campaign.document.labels import vocabulary
from campaign.document.text.emphasis import plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.normalise import NormalisedWord, has_words, normalise, words

_MAX_LINES = 4
_MAX_UNEXPLAINED_WORDS = 8  # a header text with more words that belong to no field is a sentence
_END_OF_ACTION = re.compile(
    r"(?<!\w)(?:abgeschlossen am|beendet am|closed on|ended on|expires on|valid until)[: ]{0,3}$"
)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]{3,60})[)\]]\s*$")
_FILLER_WORDS = frozenset(("on of and the l d sur de la el nr no n zu zur an ai x г").split())


@dataclass(slots=True)
class Header:
    """The content of all header lines of a document; each reference has the number of its line."""

    references: list[tuple[Reference, int]] = field(default_factory=list)
    index: DocumentIndex | None = None
    index_line: int = 0
    issued_on: date | None = None
    country_code: str | None = None
    is_update: bool = False  # its banner calls it an update
    title: Line | None = None  # `UA 295/09 - Fear of torture`


@dataclass(frozen=True, slots=True)
class HeaderParts:
    """The content of one header text; `unexplained` has the pieces that belong to no field, with their positions."""

    references: list[Reference]
    indexes: list[DocumentIndex]
    labelled_index: DocumentIndex | None
    issued_on: date | None
    country_code: str | None
    unexplained: list[tuple[int, str]]

    @property
    def unexplained_word_count(self) -> int:
        """Return the number of words in the pieces that belong to no field."""
        return sum(len(words(piece)) for _, piece in self.unexplained)


def read_header(lines: list[Line], language: str) -> tuple[int, HeaderParts] | None:
    """Return the header that begins at the first of these lines: its number of lines and its parts.

    Returns None if there is no header.
    """
    best: tuple[int, HeaderParts] | None = None
    for count in range(1, min(_MAX_LINES, len(lines)) + 1):
        if lines[count - 1].is_blank or len(lines[count - 1].text) > 400:
            break
        text = " ".join(plain_text(line.text) for line in lines[:count])
        if not any(char.isdigit() for char in text):  # references, indexes and dates all have digits
            continue
        parts = _parse_header(text, language)
        if not (parts.references or parts.indexes or (parts.issued_on and not parts.unexplained)):
            continue
        if parts.unexplained_word_count > _MAX_UNEXPLAINED_WORDS or _is_sentence(text, parts):
            continue
        if best is None or parts.unexplained_word_count <= best[1].unexplained_word_count:
            best = (count, parts)
    return best


def _is_sentence(text: str, parts: HeaderParts) -> bool:
    """Return whether the reference or index is inside running text."""
    if not parts.unexplained_word_count:
        return False
    starts = [reference.start for reference in parts.references] + [index.start for index in parts.indexes]
    first = min(starts, default=len(text))
    before = words(text[:first])
    if before and before[0].text in {phrase.words[0] for phrase in vocabulary().header["other"]}:
        before = [word for position, piece in parts.unexplained if position < first for word in words(piece)]
    return len(before) > 3 or any(piece.rstrip().endswith(".") for _, piece in parts.unexplained)


def _parse_header(text: str, language: str) -> HeaderParts:
    """Return the references, indexes, issue date and country of a header text, and the pieces that remain."""
    references, indexes = find_references(text), find_indexes(text)
    covered = [(reference.start, reference.end) for reference in references]
    covered += [(index.start, index.end) for index in indexes]
    labels = _header_labels(text)
    covered += [(start, end) for _, start, end in labels]
    issued: date | None = None
    date_label_ends = [end for kind, _, end in labels if kind == "date"]
    for found_date in find_dates(text):
        if any(start <= found_date.start < end for start, end in covered):
            continue
        ended = _END_OF_ACTION.search(normalise(text[: found_date.start]))
        covered.append((ended.start() if ended else found_date.start, found_date.end))
        if ended:
            continue
        is_labelled = any(0 <= found_date.start - end <= 4 for end in date_label_ends)
        if found_date.to_date() and (issued is None or is_labelled):
            issued = found_date.to_date()
    country, remaining = _split_off_country(text, covered, language)
    index_label_ends = [end for kind, _, end in labels if kind == "index"]
    labelled_index = next(
        (index for index in indexes if any(0 <= index.start - end <= 4 for end in index_label_ends)), None
    )
    return HeaderParts(references, indexes, labelled_index, issued, country, remaining)


def _header_labels(text: str) -> list[tuple[str, int, int]]:
    """Return the labels in a header text, such as `Index:`, each with its kind, start and end."""
    labels: list[tuple[str, int, int]] = []
    text_words = words(text)
    present = {word.text for word in text_words}
    for kind, phrases in vocabulary().header.items():
        if kind == "follow_up":
            continue
        for phrase in phrases:
            if phrase.words[0] not in present:
                continue
            for index in _phrase_positions(text_words, phrase.words):
                start, end = text_words[index].start, text_words[index + len(phrase.words) - 1].end
                following = text[end : end + 3].lstrip()
                if kind == "date" and not (following[:1] in {":", ""} or following[:1].isdigit()):
                    continue
                if not any(start < other_end and other_start < end for _, other_start, other_end in labels):
                    labels.append((kind, start, end))
    return labels


def _phrase_positions(text_words: list[NormalisedWord], phrase: tuple[str, ...]) -> list[int]:
    """Return the indexes of the words at which the phrase begins."""
    size = len(phrase)
    return [
        index
        for index in range(len(text_words) - size + 1)
        if tuple(word.text for word in text_words[index : index + size]) == phrase
    ]


def _split_off_country(
    text: str, covered: list[tuple[int, int]], language: str
) -> tuple[str | None, list[tuple[int, str]]]:
    """Return the country in the text outside the `covered` spans, and the other pieces with their positions."""
    country: str | None = None
    remaining: list[tuple[int, str]] = []
    position = 0
    for start, end in (*sorted(covered), (len(text), len(text))):
        piece = text[position:start] if start > position else ""
        for part, start_of_part in _split_at_separators(piece, position):
            tokens = [word.text for word in words(part)]
            if not tokens or all(token in _FILLER_WORDS for token in tokens):
                continue
            if tuple(tokens) in _banners() or all(token in weekdays() for token in tokens):
                continue
            code = country_code(part, language)
            if code and country is None:
                country = code
            elif not code:
                remaining.append((start_of_part, part.strip(" -–—:|,;()[]")))
        position = max(position, end)
    return country, remaining


@cache
def _banners() -> frozenset[tuple[str, ...]]:
    """Return the phrases of the banner, such as “Urgent action”, which may be on the same line as the reference."""
    phrases = (phrase for phrases in vocabulary().labels.values() for phrase in phrases)
    return frozenset(phrase.words for phrase in phrases if phrase.kind == "banner")


def _split_at_separators(piece: str, offset: int) -> list[tuple[str, int]]:
    """Return the parts with words between colons, brackets, semicolons and bars, and their positions in the text."""
    parts: list[tuple[str, int]] = []
    start = 0
    for position, char in enumerate(normalise(piece) + "|"):
        if char in "|;:()[]":
            parts.append((piece[start:position], offset + start))
            start = position + 1
    return [(part, position) for part, position in parts if has_words(part)]


def add_header_parts(header: Header, lines: list[Line], parts: HeaderParts, tracker: LineTracker) -> None:
    """Add the parts of a header text to the header; warn if they contradict earlier ones."""
    first = lines[0].number
    for line in lines:
        tracker.mark_used(line)
    header.references += [(reference, first) for reference in parts.references]
    index = parts.labelled_index or next(iter(parts.indexes), None)
    if index and header.index is None:
        header.index, header.index_line = index, first
    elif index and header.index and normalise(index.text) != normalise(header.index.text):
        tracker.warn("index-conflict", f"another index: {excerpt(index.text)}", first)
    if parts.issued_on and header.issued_on is None:
        header.issued_on = parts.issued_on
    elif parts.issued_on and parts.issued_on != header.issued_on:
        tracker.warn("date-conflict", f"another issue date: {parts.issued_on}", first)
    header.country_code = header.country_code or parts.country_code
    if parts.unexplained:
        _place_unexplained(header, parts, first, tracker)


def _place_unexplained(header: Header, parts: HeaderParts, first: int, tracker: LineTracker) -> None:
    """Use the longest unexplained piece as the title, unless it is before the reference; warn of the other pieces."""
    position, piece = max(parts.unexplained, key=lambda position_and_piece: len(position_and_piece[1]))
    if header.title is None and position >= min([reference.start for reference in parts.references], default=0):
        header.title = Line(first, piece, is_label_rest=True)
    rest = " ".join(other for _, other in parts.unexplained if other != piece or header.title is None)
    if has_words(rest):
        tracker.warn("unplaced-line", f"this part of the header is in no field: {excerpt(rest)}", first)
    elif header.title is None or header.title.text != piece:
        tracker.warn("unplaced-line", f"this part of the header is in no field: {excerpt(piece)}", first)


def cut_reference(headline: str | None, header: Header, language: str) -> str | None:
    """Return the headline without a header in brackets at its end, such as `(Egypt: UA 16.20)`.

    The references and the country in the brackets are added to `header`.
    """
    match = _BRACKETED.search(headline) if headline else None
    if not headline or not match or not has_words(headline[: match.start()]):
        return headline
    parts = _parse_header(match[1], language)
    if parts.unexplained or not parts.references:
        return headline
    header.references += [(reference, 1) for reference in parts.references]
    header.country_code = header.country_code or parts.country_code
    return headline[: match.start()].rstrip()


def resolve_reference(header: Header, notes: list[Line], tracker: LineTracker) -> tuple[str | None, int]:
    """Return the reference of the document, or None, and its sequence.

    The first reference in the header counts; if there is none, the first in the notes to the reader, as in `the actions
    you took on Urgent Action 38.20`. A follow-up without a number gets the sequence 2 and a warning.
    """
    if not header.references:
        in_notes = [
            (reference, line.number) for line in notes for reference in find_references(plain_text(line.text)[:1000])
        ]
        header.references += in_notes[:1]
    if header.index and not header.index.is_valid:
        tracker.warn("index-malformed", f"no index has this form: {excerpt(header.index.text)}", header.index_line)
    if not header.references:
        return None, 2 if header.is_update else 1
    reference, line = header.references[0]
    if header.is_update and reference.sequence == 1 and not reference.is_follow_up:
        reference = replace(reference, sequence=None, is_follow_up=True)
    numbered = [other for other, _ in header.references if other.name == reference.name and other.sequence]
    if reference.sequence is None and not numbered:
        tracker.warn("sequence-unknown", f"{reference.name} is a follow-up without a number; taken as the first", line)
        reference = replace(reference, sequence=2)
    elif reference.sequence is None:
        follow_ups = [other for other in numbered if other.is_follow_up]
        if follow_ups:
            reference = follow_ups[0]
        else:
            tracker.warn("sequence-unknown", f"{reference.name} is a follow-up without a number", line)
            reference = replace(reference, sequence=2)
    elif reference.sequence == 1 and not reference.is_follow_up:
        # A sentence such as `This is the second update of UA 57/10` may follow a header that names only the case.
        reference = next((other for other in numbered if other.is_follow_up), reference)
    return reference.name, reference.sequence or 1
