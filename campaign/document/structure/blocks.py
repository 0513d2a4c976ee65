"""Labels and blocks: which labels a line begins with, and where a block ends.

A flow (front, act, targets, letter, background…) goes on until the next flow. `front` is the text above the first
label. A short block (deadline, languages, name…) takes its value; then its flow goes on, or `loose` begins, whose lines
no field uses.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from campaign.document.labels import GAP, Phrase, vocabulary
from campaign.document.text.emphasis import find_links, is_bold, is_heading
from campaign.document.text.lines import Line, LineTracker
from campaign.document.text.normalise import NormalisedWord, has_words, normalise, words

FLOWS = frozenset(["act", "write", "appeals", "contact", "copies", "diplomatic", "solidarity", "letter", "background"])
_LONG = 4  # words; a label of so many needs no colon
_GAP_MAX = 25  # words
_LABEL_WORDS = 60  # words that can hold a label, in a line and the lines over which it is broken
_BROKEN_OVER = 5  # lines
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
    """A label and the lines under it; the rest of the label's own line is the first."""

    kind: str
    language: str | None
    line: int
    lines: list[Line] = field(default_factory=list)

    def text(self) -> str:
        """Return the text of the lines that are not blank, joined by spaces."""
        return " ".join(line.text.strip() for line in self.lines if not line.is_blank)


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """A label at the start of a line: `extra_lines` is how many further lines it covers, `end` is where it ends."""

    phrase: Phrase
    extra_lines: int
    end: int


def _is_apart(pattern: tuple[str, ...], stream: list[tuple[int, NormalisedWord]], end: int) -> bool:
    """Return whether the two halves of a label are on separate lines: `TAKE ACTION`, an address, `SAMPLE LETTER`."""
    head = pattern.index(GAP)
    tail = end - (len(pattern) - 1 - max(index for index, part in enumerate(pattern) if part == GAP))
    return stream[head][0] != stream[head - 1][0] and 0 < tail < end and stream[tail][0] != stream[tail - 1][0]


def _is_ornament(text: str) -> bool:
    """Return whether the text holds only marks, bullets and pictograms."""
    return all(char in _BEFORE or unicodedata.category(char) in {"So", "Mn", "Sk"} for char in text)


def _without_targets(text: str) -> str:
    """Return the text with spaces in place of the addresses of its links, in the same length."""
    for link in find_links(text) if "](" in text else ():
        start = text.index("](", link.start) + 1
        text = text[:start] + " " * (link.end - start) + text[link.end :]
    return text


def _length(match: LabelMatch) -> tuple[int, int]:
    return match.extra_lines, match.end


class LabelSearch:
    """Search for labels at the start of lines."""

    def __init__(self, lines: list[Line]) -> None:
        """Create a finder for these lines, which `replace` changes."""
        self._lines = lines
        self._words: dict[int, list[NormalisedWord]] = {}

    def replace(self, index: int, line: Line) -> None:
        """Replace a line by its rest behind a label."""
        self._lines[index] = line
        self._words.pop(index, None)

    def _words_of(self, index: int) -> list[NormalisedWord]:
        """Return the words of a line without the number that makes it a list item: `1. Write a letter…`."""
        if index not in self._words:
            text = _without_targets(self._lines[index].text[:600])
            line_words = words(text, _LABEL_WORDS)
            if len(line_words) > 1 and _NUMBERED.fullmatch(text[: line_words[1].start]):
                line_words = line_words[1:]
            self._words[index] = line_words
        return self._words[index]

    def find(self, index: int, kinds: frozenset[str] | None = None) -> LabelMatch | None:
        """Return the longest label that begins at this line, over as many lines as it is broken over, or None."""
        own = self._words_of(index)
        if not own or own[0].text not in vocabulary().labels:
            return None
        best: LabelMatch | None = None
        for phrase in vocabulary().labels[own[0].text]:
            if kinds and phrase.kind not in kinds:
                continue
            if len(own) > 1 < len(phrase.words) and phrase.words[1] not in {own[1].text, GAP}:
                continue  # most phrases differ from the line at their second word
            match = self._match(phrase, index)
            if match and self._is_label(match, index) and (best is None or _length(match) > _length(best)):
                best = match
        return best

    def _stream(self, index: int, count: int) -> list[tuple[int, NormalisedWord]]:
        stream: list[tuple[int, NormalisedWord]] = []
        for offset in range(_BROKEN_OVER):
            position = index + offset
            if position >= len(self._lines) or self._lines[position].is_blank or len(stream) >= count:
                break
            stream += [(offset, word) for word in self._words_of(position)]
        return stream

    def _match(self, phrase: Phrase, index: int) -> LabelMatch | None:
        gaps = phrase.words.count(GAP)
        stream = self._stream(index, len(phrase.words) + gaps * _GAP_MAX)
        end = _covered_words(phrase.words, [word.text for _, word in stream])
        if end is None:
            return None
        offset, word = stream[end - 1]
        if gaps and offset and _is_apart(phrase.words, stream, end):
            return None
        return LabelMatch(phrase, offset, word.end)

    def _is_label(self, match: LabelMatch, index: int) -> bool:
        """Return whether the words are a label, not the start of a sentence in the text."""
        kind, count = match.phrase.kind, len(match.phrase.words)
        first, last = self._lines[index], self._lines[index + match.extra_lines]
        before = _NUMBER.sub("", first.text[: self._words_of(index)[0].start], count=1)
        if not _is_ornament(before):
            return False
        rest = normalise(last.text[match.end :])
        after = rest.lstrip(" *_)]")
        if not has_words(rest):
            return count >= _LONG or self._stands_alone(index, after)
        if after.startswith(":"):
            return True
        if kind == "write" and count > 1 and self._announces(index + match.extra_lines):
            return True
        is_capital = (
            " ".join((first.text if match.extra_lines else first.text[: match.end]).split()).strip(" *_#").isupper()
        )
        return self._goes_on(kind, count, rest, is_capital=is_capital)

    def _announces(self, index: int) -> bool:
        """Return whether the sentence that begins at this line ends in a colon, before points to make."""
        for line in self._lines[index : index + _BROKEN_OVER]:
            if line.is_blank:
                return False
            if line.text.rstrip(" *_").endswith(":"):
                return True
        return False

    def _goes_on(self, kind: str, count: int, rest: str, *, is_capital: bool) -> bool:
        """Return whether the value of a label of that kind may follow without a colon."""
        after = rest.lstrip(" *_)]")
        if kind == "banner":
            return (after.startswith(("-", "|", "!")) and is_capital) or rest.startswith(("** ", "__ "))
        if kind in _DATED and any(char.isdigit() for char in rest[:40]):
            return count >= 2
        if kind in _INLINE:
            return count >= 3 or (kind == "boilerplate" and not rest.strip(" .!*_"))
        return count >= _LONG or (count == _LONG - 1 and is_capital)

    def _stands_alone(self, index: int, after: str) -> bool:
        """Return whether a short label without a colon is a label, since its line holds nothing else."""
        first = self._lines[index]
        if after.startswith(":") or is_heading(first.text) or is_bold(first.text):
            return True
        letters = [char for char in first.text if char.isalpha()]
        if letters and all(char.isupper() for char in letters):
            return True
        above = self._lines[index - 1] if index else None
        return above is None or above.is_blank or above.text.rstrip(" *_").endswith((".", ":", "!", "?"))


def _covered_words(pattern: tuple[str, ...], stream: list[str]) -> int | None:
    """Return how many words of the stream the pattern covers, or None; each gap covers as few as possible."""
    position = 0
    for number, part in enumerate(pattern):
        if part == GAP:
            continue
        if number and pattern[number - 1] == GAP:
            tail = pattern[number : pattern.index(GAP, number) if GAP in pattern[number:] else len(pattern)]
            for skip in range(_GAP_MAX + 1):
                if tuple(stream[position + skip : position + skip + len(tail)]) == tail:
                    position += skip
                    break
            else:
                return None
        if position >= len(stream) or stream[position] != part:
            return None
        position += 1
    return position


def ends_sentence(text: str) -> bool:
    """Return whether a line ends a sentence, so that the next line begins something new."""
    return text.rstrip(" *_)»”\"'").endswith((".", "!", "?", ":"))


def split_at_labels(lines: list[Line]) -> list[Line]:
    """Return the lines; a line that begins with a short block's label is split at each further label.

    Copying from a web page or a PDF puts languages, deadline and names on one line.
    """
    labels = LabelSearch(lines)
    result: list[Line] = []
    for index, line in enumerate(lines):
        match = labels.find(index) if not line.is_blank and len(line.text) <= _ONE_LINE else None
        if match is None or match.extra_lines or match.phrase.kind not in _TRAILING:
            result.append(line)
            continue
        start = 0
        for position in _inner_label_starts(line, match.end, lines[index + 1 : index + _BROKEN_OVER]):
            result.append(Line(line.number, line.text[start:position].rstrip()))
            start = position
        result.append(Line(line.number, line.text[start:]) if start else line)
    return result


def _inner_label_starts(line: Line, first: int, below: list[Line]) -> list[int]:
    """Return where the further labels of a line begin: after a sentence, or in bold."""
    starts: list[int] = []
    for word in words(line.text):
        if word.start < first or word.text not in vocabulary().labels:
            continue
        before = line.text[: word.start]
        is_bold_here = before.endswith(("**", "__")) and before[:-2].endswith(" ")
        is_ended = is_bold_here or ends_sentence(before.rstrip(" *_"))
        if not is_ended and not line.text[word.start].isupper():
            continue
        start = word.start - 2 if is_bold_here else word.start
        match = LabelSearch([Line(line.number, line.text[start:]), *below]).find(0, _INNER)
        if (
            match
            and match.extra_lines == 0
            and not is_ended
            and line.text[start + match.end :].lstrip(" *_")[:1] != ":"
        ):
            continue
        if match and len(match.phrase.words) >= _LONG:
            starts.append(start)
            first = start + match.end
    return starts


def cut_label(lines: list[Line], index: int, match: LabelMatch, tracker: LineTracker) -> Line:
    """Mark the label's lines as used and return the rest of the last one."""
    for offset in range(match.extra_lines):
        tracker.mark_used(lines[index + offset])
    last = lines[index + match.extra_lines]
    return tracker.cut_label(last, last.text[match.end :].lstrip(" *_:.-–—\u00a0\u202f\u2009\t)]!|"))
