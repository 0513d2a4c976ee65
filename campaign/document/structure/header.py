"""The line that identifies a document: reference, index, country and date, in whatever order they come."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

from campaign.document.fields.dates import dates, weekdays
from campaign.document.fields.languages import country
from campaign.document.fields.references import DocumentIndex, Reference, find_indexes, find_references
from campaign.document.labels import vocabulary
from campaign.document.text.emphasis import plain
from campaign.document.text.lines import Ledger, Line, shown
from campaign.document.text.normalise import NormalisedWord, fold, has_words, words

_LINES = 4
_LEFT_OVER = 8  # more words than that beside the reference, and the line is a sentence
_BRACKETED = re.compile(r"[(\[]([^()\[\]]{3,60})[)\]]\s*$")
_SMALL = frozenset(("on of and the l d sur de la el nr no n zu zur an ai x").split())


@dataclass(slots=True)
class Header:
    """What the header lines of a document say together."""

    references: list[tuple[Reference, int]] = field(default_factory=list)
    index: DocumentIndex | None = None
    index_line: int = 0
    issued_on: date | None = None
    country: str | None = None
    title: Line | None = None  # `UA 295/09 - Fear of torture`
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one header text holds; `left` are the pieces that nothing explains."""

    references: list[Reference]
    indexes: list[DocumentIndex]
    labelled_index: DocumentIndex | None
    issued_on: date | None
    country: str | None
    left: list[tuple[int, str]]

    @property
    def left_words(self) -> int:
        return sum(len(words(piece)) for _, piece in self.left)


def read_header(lines: list[Line], stop: int, language: str) -> tuple[int, str, _Parts] | None:
    """Reads a header that begins with the first of these lines; `stop` is where the next label begins."""
    best: tuple[int, str, _Parts] | None = None
    for count in range(1, min(_LINES, stop, len(lines)) + 1):
        if lines[count - 1].is_blank or len(lines[count - 1].text) > 400:
            break
        text = " ".join(plain(line.text) for line in lines[:count])
        if not any(char.isdigit() for char in text):  # no reference, index or date is without one
            continue
        parts = _read(text, language)
        if not (parts.references or parts.indexes or (parts.issued_on and not parts.left)):
            continue
        if parts.left_words > _LEFT_OVER or _is_sentence(text, parts):
            continue
        if best is None or parts.left_words <= best[2].left_words:
            best = (count, text, parts)
    return best


def _is_sentence(text: str, parts: _Parts) -> bool:
    """Whether the reference or index stands inside running text."""
    if not parts.left_words:
        return False
    starts = [each.start for each in parts.references] + [each.start for each in parts.indexes]
    first = min(starts, default=len(text))
    return len(words(text[:first])) > 3 or any(piece.rstrip().endswith(".") for _, piece in parts.left)


def _read(text: str, language: str) -> _Parts:
    """Cuts everything a header can hold out of the text and says what is left."""
    references, indexes = find_references(text), find_indexes(text)
    covered = [(each.start, each.end) for each in references] + [(each.start, each.end) for each in indexes]
    labels = _labels(text)
    covered += [(start, end) for _, start, end in labels]
    issued: date | None = None
    labelled = [end for kind, _, end in labels if kind == "date"]
    for found in dates(text):
        if any(start <= found.start < end for start, end in covered):
            continue
        covered.append((found.start, found.end))
        is_labelled = any(0 <= found.start - end <= 4 for end in labelled)
        if found.on() and (issued is None or is_labelled):
            issued = found.on()
    named, left = _left(text, covered, language)
    after = [end for kind, _, end in labels if kind == "index"]
    by_label = next((each for each in indexes if any(0 <= each.start - end <= 4 for end in after)), None)
    return _Parts(references, indexes, by_label, issued, named, left)


def _labels(text: str) -> list[tuple[str, int, int]]:
    """The header's own words where a value can follow them: kind, start, end."""
    found: list[tuple[str, int, int]] = []
    stream = words(text)
    said = {word.text for word in stream}
    for kind, phrases in vocabulary().header.items():
        if kind == "follow_up":
            continue
        for phrase in phrases:
            if phrase.words[0] not in said:
                continue
            for at in _places(stream, phrase.words):
                start, end = stream[at].start, stream[at + len(phrase.words) - 1].end
                after = text[end : end + 3].lstrip()
                if kind == "date" and not (after[:1] in {":", ""} or after[:1].isdigit()):
                    continue
                if not any(start < e and s < end for _, s, e in found):
                    found.append((kind, start, end))
    return found


def _places(stream: list[NormalisedWord], wanted: tuple[str, ...]) -> list[int]:
    size = len(wanted)
    return [at for at in range(len(stream) - size + 1) if tuple(word.text for word in stream[at : at + size]) == wanted]


def _left(text: str, covered: list[tuple[int, int]], language: str) -> tuple[str | None, list[tuple[int, str]]]:
    """The country among the uncovered pieces, and the pieces that are none."""
    named: str | None = None
    left: list[tuple[int, str]] = []
    at = 0
    for start, end in (*sorted(covered), (len(text), len(text))):
        piece = text[at:start] if start > at else ""
        for part, place in _split(piece, at):
            names = [word.text for word in words(part)]
            if not names or all(name in _SMALL for name in names):
                continue
            if tuple(names) in _banners() or all(name in weekdays() for name in names):
                continue
            code = country(part, language)
            if code and named is None:
                named = code
            elif not code:
                left.append((place, part.strip(" -–—:|,;()[]")))
        at = max(at, end)
    return named, left


@cache
def _banners() -> frozenset[tuple[str, ...]]:
    """The banner's own words, which can stand beside the reference."""
    phrases = (phrase for each in vocabulary().labels.values() for phrase in each)
    return frozenset(phrase.words for phrase in phrases if phrase.kind == "banner")


def _split(piece: str, at: int) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    start = 0
    for place, char in enumerate(fold(piece) + "|"):
        if char in "|;:()[]":
            parts.append((piece[start:place], at + start))
            start = place + 1
    return [(part, place) for part, place in parts if has_words(part)]


def keep(header: Header, lines: list[Line], parts: _Parts, ledger: Ledger) -> None:
    """Adds what one header says to what others said before, with a warning where they disagree."""
    first = lines[0].number
    for line in lines:
        ledger.take(line, "header")
        header.lines.append(line.number)
    header.references += [(reference, first) for reference in parts.references]
    index = parts.labelled_index or next(iter(parts.indexes), None)
    if index and header.index is None:
        header.index, header.index_line = index, first
    elif index and header.index and fold(index.text) != fold(header.index.text):
        ledger.warn("index-conflict", f"another index stands here: {shown(index.text)}", first)
    if parts.issued_on and header.issued_on is None:
        header.issued_on = parts.issued_on
    elif parts.issued_on and parts.issued_on != header.issued_on:
        ledger.warn("date-conflict", f"another issue date stands here: {parts.issued_on}", first)
    header.country = header.country or parts.country
    if parts.left:
        _keep_rest(header, parts, first, ledger)


def _keep_rest(header: Header, parts: _Parts, first: int, ledger: Ledger) -> None:
    """What is neither reference nor date is the title or has no place."""
    if parts.left:
        place, piece = max(parts.left, key=lambda each: len(each[1]))
        if header.title is None and place >= min([r.start for r in parts.references], default=0):
            header.title = Line(first, piece, is_cut=True)
        rest = " ".join(other for _, other in parts.left if other != piece or header.title is None)
        if header.title is not None and header.title.text == piece:
            rest = " ".join(other for _, other in parts.left if other != piece)
        if has_words(rest):
            ledger.warn("unplaced-line", f"nothing takes this part of the header: {shown(rest)}", first)
        elif header.title is None or header.title.text != piece:
            ledger.warn("unplaced-line", f"nothing takes this part of the header: {shown(piece)}", first)


def cut_reference(headline: str | None, header: Header, language: str) -> str | None:
    """The headline without a header in brackets at its end: `(Egypt: UA 16.20)`."""
    match = _BRACKETED.search(headline) if headline else None
    if not headline or not match or not has_words(headline[: match.start()]):
        return headline
    parts = _read(match[1], language)
    if parts.left or not parts.references:
        return headline
    header.references += [(reference, 1) for reference in parts.references]
    header.country = header.country or parts.country
    return headline[: match.start()].rstrip()


def settle(header: Header, notes: list[Line], ledger: Ledger) -> tuple[str | None, int]:
    """The reference and sequence that the header lines agree on.

    Without one, a reference in the notes to the reader counts: `the actions you took on Urgent Action 38.20`.
    """
    if not header.references:
        found = [(each, line.number) for line in notes for each in find_references(plain(line.text)[:1000])]
        header.references += [each for each in found if each[0].name == found[0][0].name][:1]
    if header.index and not header.index.is_valid:
        ledger.warn("index-malformed", f"no index has this form: {shown(header.index.text)}", header.index_line)
    if not header.references:
        return None, 1
    reference, line = header.references[0]
    numbered = [r for r, _ in header.references if r.name == reference.name and r.sequence]
    if reference.sequence is None and not numbered:
        ledger.warn("sequence-unknown", f"{reference.name} is a follow-up without a number; taken as the first", line)
        reference = replace(reference, sequence=2)
    elif reference.sequence is None:
        later = [r for r in numbered if r.is_follow_up]
        if later:
            reference = later[0]
        else:
            ledger.warn("sequence-unknown", f"{reference.name} is a follow-up without a number", line)
            reference = replace(reference, sequence=2)
    elif reference.sequence == 1 and not reference.is_follow_up:
        # `This is the second update of UA 57/10`, below a header that only names the case
        reference = next((each for each in numbered if each.is_follow_up), reference)
    return reference.name, reference.sequence or 1
