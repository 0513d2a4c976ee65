"""The lines that identify a document: reference, index, country and date, in any order."""

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

_LINES = 4
_MAX_UNEXPLAINED = 8  # words beside the reference; a line with more is a sentence
_BRACKETED = re.compile(r"[(\[]([^()\[\]]{3,60})[)\]]\s*$")
_CONNECTORS = frozenset(("on of and the l d sur de la el nr no n zu zur an ai x").split())


@dataclass(slots=True)
class Header:
    """The content of all header lines of a document."""

    references: list[tuple[Reference, int]] = field(default_factory=list)
    index: DocumentIndex | None = None
    index_line: int = 0
    issued_on: date | None = None
    country_code: str | None = None
    title: Line | None = None  # `UA 295/09 - Fear of torture`
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HeaderParts:
    """The content of one header text; `left` are the pieces that no field explains."""

    references: list[Reference]
    indexes: list[DocumentIndex]
    labelled_index: DocumentIndex | None
    issued_on: date | None
    country_code: str | None
    left: list[tuple[int, str]]

    @property
    def left_words(self) -> int:
        """Return the number of words in the pieces that no field explains."""
        return sum(len(words(piece)) for _, piece in self.left)


def read_header(lines: list[Line], stop: int, language: str) -> tuple[int, str, HeaderParts] | None:
    """Return the header that begins at the first of these lines: its number of lines, its text and its parts.

    `stop` is the number of lines up to the next label. Returns None if there is no header.
    """
    best: tuple[int, str, HeaderParts] | None = None
    for count in range(1, min(_LINES, stop, len(lines)) + 1):
        if lines[count - 1].is_blank or len(lines[count - 1].text) > 400:
            break
        text = " ".join(plain_text(line.text) for line in lines[:count])
        if not any(char.isdigit() for char in text):  # no reference, index or date is without one
            continue
        parts = _parse_header(text, language)
        if not (parts.references or parts.indexes or (parts.issued_on and not parts.left)):
            continue
        if parts.left_words > _MAX_UNEXPLAINED or _is_sentence(text, parts):
            continue
        if best is None or parts.left_words <= best[2].left_words:
            best = (count, text, parts)
    return best


def _is_sentence(text: str, parts: HeaderParts) -> bool:
    """Return whether the reference or index stands inside running text."""
    if not parts.left_words:
        return False
    starts = [each.start for each in parts.references] + [each.start for each in parts.indexes]
    first = min(starts, default=len(text))
    return len(words(text[:first])) > 3 or any(piece.rstrip().endswith(".") for _, piece in parts.left)


def _parse_header(text: str, language: str) -> HeaderParts:
    """Return the parts of a header text and the pieces that remain."""
    references, indexes = find_references(text), find_indexes(text)
    covered = [(each.start, each.end) for each in references] + [(each.start, each.end) for each in indexes]
    labels = _header_labels(text)
    covered += [(start, end) for _, start, end in labels]
    issued: date | None = None
    date_label_ends = [end for kind, _, end in labels if kind == "date"]
    for found_date in find_dates(text):
        if any(start <= found_date.start < end for start, end in covered):
            continue
        covered.append((found_date.start, found_date.end))
        is_labelled = any(0 <= found_date.start - end <= 4 for end in date_label_ends)
        if found_date.to_date() and (issued is None or is_labelled):
            issued = found_date.to_date()
    country, remaining = _unexplained(text, covered, language)
    index_label_ends = [end for kind, _, end in labels if kind == "index"]
    by_label = next((each for each in indexes if any(0 <= each.start - end <= 4 for end in index_label_ends)), None)
    return HeaderParts(references, indexes, by_label, issued, country, remaining)


def _header_labels(text: str) -> list[tuple[str, int, int]]:
    """Return the header's own words before a value: kind, start, end."""
    labels: list[tuple[str, int, int]] = []
    stream = words(text)
    present = {word.text for word in stream}
    for kind, phrases in vocabulary().header.items():
        if kind == "follow_up":
            continue
        for phrase in phrases:
            if phrase.words[0] not in present:
                continue
            for index in _positions(stream, phrase.words):
                start, end = stream[index].start, stream[index + len(phrase.words) - 1].end
                following = text[end : end + 3].lstrip()
                if kind == "date" and not (following[:1] in {":", ""} or following[:1].isdigit()):
                    continue
                if not any(start < e and s < end for _, s, e in labels):
                    labels.append((kind, start, end))
    return labels


def _positions(stream: list[NormalisedWord], phrase: tuple[str, ...]) -> list[int]:
    size = len(phrase)
    return [
        index
        for index in range(len(stream) - size + 1)
        if tuple(word.text for word in stream[index : index + size]) == phrase
    ]


def _unexplained(text: str, covered: list[tuple[int, int]], language: str) -> tuple[str | None, list[tuple[int, str]]]:
    """Return the country among the uncovered pieces, and the other pieces with their positions."""
    country: str | None = None
    remaining: list[tuple[int, str]] = []
    position = 0
    for start, end in (*sorted(covered), (len(text), len(text))):
        piece = text[position:start] if start > position else ""
        for part, start_of_part in _split_pieces(piece, position):
            tokens = [word.text for word in words(part)]
            if not tokens or all(name in _CONNECTORS for name in tokens):
                continue
            if tuple(tokens) in _banners() or all(name in weekdays() for name in tokens):
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
    """Return the banner's phrases, which can stand beside the reference."""
    phrases = (phrase for each in vocabulary().labels.values() for phrase in each)
    return frozenset(phrase.words for phrase in phrases if phrase.kind == "banner")


def _split_pieces(piece: str, offset: int) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    start = 0
    for position, char in enumerate(normalise(piece) + "|"):
        if char in "|;:()[]":
            parts.append((piece[start:position], offset + start))
            start = position + 1
    return [(part, position) for part, position in parts if has_words(part)]


def add_header_parts(header: Header, lines: list[Line], parts: HeaderParts, tracker: LineTracker) -> None:
    """Add the parts of a header text to the header, with a warning where they differ from earlier ones."""
    first = lines[0].number
    for line in lines:
        tracker.mark_used(line, "header")
        header.lines.append(line.number)
    header.references += [(reference, first) for reference in parts.references]
    index = parts.labelled_index or next(iter(parts.indexes), None)
    if index and header.index is None:
        header.index, header.index_line = index, first
    elif index and header.index and normalise(index.text) != normalise(header.index.text):
        tracker.warn("index-conflict", f"another index stands here: {excerpt(index.text)}", first)
    if parts.issued_on and header.issued_on is None:
        header.issued_on = parts.issued_on
    elif parts.issued_on and parts.issued_on != header.issued_on:
        tracker.warn("date-conflict", f"another issue date stands here: {parts.issued_on}", first)
    header.country_code = header.country_code or parts.country_code
    if parts.left:
        _place_rest(header, parts, first, tracker)


def _place_rest(header: Header, parts: HeaderParts, first: int, tracker: LineTracker) -> None:
    """Take the longest unexplained piece as the title; warn of the others."""
    if parts.left:
        position, piece = max(parts.left, key=lambda each: len(each[1]))
        if header.title is None and position >= min([r.start for r in parts.references], default=0):
            header.title = Line(first, piece, is_cut=True)
        rest = " ".join(other for _, other in parts.left if other != piece or header.title is None)
        if header.title is not None and header.title.text == piece:
            rest = " ".join(other for _, other in parts.left if other != piece)
        if has_words(rest):
            tracker.warn("unplaced-line", f"nothing takes this part of the header: {excerpt(rest)}", first)
        elif header.title is None or header.title.text != piece:
            tracker.warn("unplaced-line", f"nothing takes this part of the header: {excerpt(piece)}", first)


def cut_reference(headline: str | None, header: Header, language: str) -> str | None:
    """Return the headline without a header in brackets at its end: `(Egypt: UA 16.20)`."""
    match = _BRACKETED.search(headline) if headline else None
    if not headline or not match or not has_words(headline[: match.start()]):
        return headline
    parts = _parse_header(match[1], language)
    if parts.left or not parts.references:
        return headline
    header.references += [(reference, 1) for reference in parts.references]
    header.country_code = header.country_code or parts.country_code
    return headline[: match.start()].rstrip()


def resolve_reference(header: Header, notes: list[Line], tracker: LineTracker) -> tuple[str | None, int]:
    """Return the reference and sequence on which the header lines agree.

    Without one, the first reference in the notes to the reader counts: `the actions you took on Urgent Action 38.20`.
    """
    if not header.references:
        noted = [(each, line.number) for line in notes for each in find_references(plain_text(line.text)[:1000])]
        header.references += [each for each in noted if each[0].name == noted[0][0].name][:1]
    if header.index and not header.index.is_valid:
        tracker.warn("index-malformed", f"no index has this form: {excerpt(header.index.text)}", header.index_line)
    if not header.references:
        return None, 1
    reference, line = header.references[0]
    numbered = [r for r, _ in header.references if r.name == reference.name and r.sequence]
    if reference.sequence is None and not numbered:
        tracker.warn("sequence-unknown", f"{reference.name} is a follow-up without a number; taken as the first", line)
        reference = replace(reference, sequence=2)
    elif reference.sequence is None:
        later = [r for r in numbered if r.is_follow_up]
        if later:
            reference = later[0]
        else:
            tracker.warn("sequence-unknown", f"{reference.name} is a follow-up without a number", line)
            reference = replace(reference, sequence=2)
    elif reference.sequence == 1 and not reference.is_follow_up:
        # `This is the second update of UA 57/10`, below a header that only names the case
        reference = next((each for each in numbered if each.is_follow_up), reference)
    return reference.name, reference.sequence or 1
