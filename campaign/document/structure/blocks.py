"""Which block each line belongs to: walks the lines once and switches where a label begins.

A flow (front, act, targets, letter, background…) goes on until the next one; a short block (deadline,
languages, name…) takes its value and gives the rest back to the flow it interrupted, or to `loose`, which nobody
reads.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from campaign.document.labels import GAP, Phrase, vocabulary
from campaign.document.text.emphasis import is_bold, is_heading, links
from campaign.document.text.lines import Ledger, Line
from campaign.document.text.normalise import NormalisedWord, fold, has_words, words

FLOWS = frozenset(["act", "write", "appeals", "contact", "copies", "diplomatic", "solidarity", "letter", "background"])
_LONG = 4  # words that make a label sure without a colon
_GAP_MAX = 25
_LOOK = 60  # words of a line, and of the lines it is broken over, that can hold a label
_BROKEN_OVER = 5
_DATED = frozenset({"deadline", "appeals", "write"})
_INLINE = frozenset({"languages", "own", "late", "boilerplate"})
_NUMBER = re.compile(r"^[\s*_>]{0,8}\d{1,2}[.)]")
_NUMBERED = re.compile(r"[\s*_>]{0,8}\d{1,2}[.)][\s*_\[]{1,8}")
_TRAILING = frozenset({"deadline", "languages", "late", "name", "previous", "update", "boilerplate", "own"})
_INNER = frozenset({"deadline", "languages", "late", "name", "previous", "update", "boilerplate"})
_ONE_LINE = 1500  # characters; a longer line is running text
_BEFORE = frozenset(" \t*_#>[(¡¿!.-–—|" + "-*•·▪►–—o\uf0b7\uf0a7‣●○■□✓➢>")


@dataclass(slots=True)
class Block:
    """A label and the lines under it, the rest of the label's own line first."""

    kind: str
    language: str | None
    line: int
    lines: list[Line] = field(default_factory=list)

    def text(self) -> str:
        return " ".join(line.text.strip() for line in self.lines if not line.is_blank)


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """A label at the start of a line: `until` is how many further lines it covers, `end` where it stops."""

    phrase: Phrase
    until: int
    end: int


def _is_apart(pattern: tuple[str, ...], stream: list[tuple[int, NormalisedWord]], end: int) -> bool:
    """Whether a label's two halves are lines of their own: `TAKE ACTION`, an address, `SAMPLE LETTER`."""
    head = pattern.index(GAP)
    tail = end - (len(pattern) - 1 - max(at for at, part in enumerate(pattern) if part == GAP))
    return stream[head][0] != stream[head - 1][0] and 0 < tail < end and stream[tail][0] != stream[tail - 1][0]


def _is_ornament(text: str) -> bool:
    """Whether only marks, bullets and pictograms stand there."""
    return all(char in _BEFORE or unicodedata.category(char) in {"So", "Mn", "Sk"} for char in text)


def _without_targets(text: str) -> str:
    """The text, of the same length, without the addresses of its links, which say nothing of what the line is."""
    for link in links(text) if "](" in text else ():
        start = text.index("](", link.start) + 1
        text = text[:start] + " " * (link.end - start) + text[link.end :]
    return text


def _reach(match: LabelMatch) -> tuple[int, int]:
    return match.until, match.end


class Labels:
    """Finds labels at the start of lines."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._words: dict[int, list[NormalisedWord]] = {}

    def put(self, at: int, line: Line) -> None:
        """Replaces a line by what a label left of it."""
        self._lines[at] = line
        self._words.pop(at, None)

    def _of(self, at: int) -> list[NormalisedWord]:
        """The words of a line without the number that makes it an item: `1. Write a letter…`."""
        if at not in self._words:
            text = _without_targets(self._lines[at].text[:600])
            found = words(text, _LOOK)
            if len(found) > 1 and _NUMBERED.fullmatch(text[: found[1].start]):
                found = found[1:]
            self._words[at] = found
        return self._words[at]

    def at(self, index: int, kinds: frozenset[str] | None = None) -> LabelMatch | None:
        """The longest label that begins at this line, over as many of the next lines as it is broken over."""
        own = self._of(index)
        if not own or own[0].text not in vocabulary().labels:
            return None
        best: LabelMatch | None = None
        for phrase in vocabulary().labels[own[0].text]:
            if kinds and phrase.kind not in kinds:
                continue
            if len(own) > 1 < len(phrase.words) and phrase.words[1] not in {own[1].text, GAP}:
                continue  # most phrases part from the line at their second word
            match = self._match(phrase, index)
            if match and self._is_label(match, index) and (best is None or _reach(match) > _reach(best)):
                best = match
        return best

    def _stream(self, index: int, wanted: int) -> list[tuple[int, NormalisedWord]]:
        stream: list[tuple[int, NormalisedWord]] = []
        for offset in range(_BROKEN_OVER):
            at = index + offset
            if at >= len(self._lines) or self._lines[at].is_blank or len(stream) >= wanted:
                break
            stream += [(offset, word) for word in self._of(at)]
        return stream

    def _match(self, phrase: Phrase, index: int) -> LabelMatch | None:
        gaps = phrase.words.count(GAP)
        stream = self._stream(index, len(phrase.words) + gaps * _GAP_MAX)
        end = _follow(phrase.words, [word.text for _, word in stream])
        if end is None:
            return None
        offset, word = stream[end - 1]
        if gaps and offset and _is_apart(phrase.words, stream, end):
            return None
        return LabelMatch(phrase, offset, word.end)

    def _is_label(self, match: LabelMatch, index: int) -> bool:
        """Whether the words stand as a label does, not at the start of a sentence of the text."""
        kind, count = match.phrase.kind, len(match.phrase.words)
        first, last = self._lines[index], self._lines[index + match.until]
        before = _NUMBER.sub("", first.text[: self._of(index)[0].start], count=1)
        if not _is_ornament(before):
            return False
        rest = fold(last.text[match.end :])
        after = rest.lstrip(" *_)]")
        if not has_words(rest):
            return count >= _LONG or self._stands_alone(index, match, after)
        if after.startswith(":"):
            return True
        if kind == "write" and count > 1 and self._announces(index + match.until):
            return True
        is_capital = " ".join((first.text if match.until else first.text[: match.end]).split()).strip(" *_#").isupper()
        return self._goes_on(kind, count, rest, is_capital=is_capital)

    def _announces(self, index: int) -> bool:
        """Whether the sentence that begins at this line ends in a colon, before points to make."""
        for line in self._lines[index : index + _BROKEN_OVER]:
            if line.is_blank:
                return False
            if line.text.rstrip(" *_").endswith(":"):
                return True
        return False

    def _goes_on(self, kind: str, count: int, rest: str, *, is_capital: bool) -> bool:
        """Whether a label of that kind may be followed by its value without a colon."""
        after = rest.lstrip(" *_)]")
        if kind == "banner":
            return (after.startswith(("-", "|", "!")) and is_capital) or rest.startswith(("** ", "__ "))
        if kind in _DATED and any(char.isdigit() for char in rest[:40]):
            return count >= 2
        if kind in _INLINE:
            return count >= 3 or (kind == "boilerplate" and not rest.strip(" .!*_"))
        return count >= _LONG or (count == _LONG - 1 and is_capital)

    def _stands_alone(self, index: int, match: LabelMatch, after: str) -> bool:
        """A short label without a colon is one only where nothing but it is said there."""
        first, last = self._lines[index], self._lines[index + match.until]
        if after.startswith(":") or is_heading(first.text) or is_bold(first.text):
            return True
        letters = [char for char in first.text if char.isalpha()]
        if letters and all(char.isupper() for char in letters):
            return True
        before = self._lines[index - 1] if index else None
        follows = self._lines[index + match.until + 1] if index + match.until + 1 < len(self._lines) else None
        ended = before is None or before.is_blank or before.text.rstrip(" *_").endswith((".", ":", "!", "?"))
        return ended and (
            match.phrase.kind in {"banner", "boilerplate"} or follows is None or follows.is_blank or last.text != ""
        )


def _follow(pattern: tuple[str, ...], stream: list[str]) -> int | None:
    """How many words of the stream the pattern covers; each gap takes as few as it can."""
    at = 0
    for number, part in enumerate(pattern):
        if part == GAP:
            continue
        if number and pattern[number - 1] == GAP:
            tail = pattern[number : pattern.index(GAP, number) if GAP in pattern[number:] else len(pattern)]
            for skip in range(_GAP_MAX + 1):
                if tuple(stream[at + skip : at + skip + len(tail)]) == tail:
                    at += skip
                    break
            else:
                return None
        if at >= len(stream) or stream[at] != part:
            return None
        at += 1
    return at


def ends_sentence(text: str) -> bool:
    """Whether a line closes a sentence, so that what follows is something new."""
    return text.rstrip(" *_)»”\"'").endswith((".", "!", "?", ":"))


def parted(lines: list[Line]) -> list[Line]:
    """The lines, where one that begins with a short block's label is parted at each further label on it.

    Copying from a web page or a PDF puts languages, deadline and names on one line.
    """
    labels = Labels(lines)
    found: list[Line] = []
    for at, line in enumerate(lines):
        match = labels.at(at) if not line.is_blank and len(line.text) <= _ONE_LINE else None
        if match is None or match.until or match.phrase.kind not in _TRAILING:
            found.append(line)
            continue
        start = 0
        for place in _inner(line, match.end, lines[at + 1 : at + _BROKEN_OVER]):
            found.append(Line(line.number, line.text[start:place].rstrip()))
            start = place
        found.append(Line(line.number, line.text[start:]) if start else line)
    return found


def _inner(line: Line, first: int, below: list[Line]) -> list[int]:
    """Where the further labels of a line begin: after a sentence, or in bold."""
    places: list[int] = []
    for word in words(line.text):
        if word.start < first or word.text not in vocabulary().labels:
            continue
        before = line.text[: word.start]
        is_bold_here = before.endswith(("**", "__")) and before[:-2].endswith(" ")
        is_ended = is_bold_here or ends_sentence(before.rstrip(" *_"))
        if not is_ended and not line.text[word.start].isupper():
            continue
        start = word.start - 2 if is_bold_here else word.start
        match = Labels([Line(line.number, line.text[start:]), *below]).at(0, _INNER)
        if match and match.until == 0 and not is_ended and line.text[start + match.end :].lstrip(" *_")[:1] != ":":
            continue
        if match and len(match.phrase.words) >= _LONG:
            places.append(start)
            first = start + match.end
    return places


def cut_label(lines: list[Line], index: int, match: LabelMatch, ledger: Ledger) -> Line:
    """Marks the label's lines as taken and returns what is left of the last one."""
    for offset in range(match.until):
        ledger.take(lines[index + offset], f"label:{match.phrase.kind}")
    last = lines[index + match.until]
    return ledger.cut(
        last, last.text[match.end :].lstrip(" *_:.-–—\u00a0\u202f\u2009\t)]!|"), f"label:{match.phrase.kind}"
    )
