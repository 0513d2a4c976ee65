"""Search for the labels at the start of lines, and the blocks that they open.

A flow (act, letter, background…) continues until the next flow begins. The flow `front` is the text above the first
label. A short block (deadline, languages, name…) interrupts the flow for one value. After it the flow continues, or the
flow `loose` begins, whose lines belong to no field.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from campaign.document.labels import GAP, Phrase, vocabulary
from campaign.document.structure.letter import is_salutation
from campaign.document.text.emphasis import find_links, is_bold, is_heading
from campaign.document.text.lines import Line, LineTracker
from campaign.document.text.normalise import NormalisedWord, has_words, normalise, words

FLOWS = frozenset(["act", "write", "appeals", "contact", "copies", "diplomatic", "solidarity", "letter", "background"])
_MIN_WORDS_WITHOUT_COLON = 4  # a label with fewer words needs a colon
_MAX_GAP_WORDS = 25
_MAX_LABEL_WORDS = 60  # words of each line in which a label is searched
_MAX_LABEL_LINES = 5
_DATED_KINDS = frozenset({"deadline", "appeals", "write"})
_INLINE_KINDS = frozenset({"languages", "own", "late", "boilerplate"})
_ITEM_NUMBER = re.compile(r"^[\s*_>]{0,8}\d{1,2}[.)]")
_NUMBERED_ITEM = re.compile(r"[\s*_>]{0,8}\d{1,2}[.)][\s*_\[]{1,8}")
_LINE_SHARING_KINDS = frozenset({"deadline", "languages", "late", "name", "previous", "update", "boilerplate", "own"})
_INNER_KINDS = frozenset({"deadline", "languages", "late", "name", "previous", "update", "boilerplate"})
_BRACKETS = re.compile(r"^\s*\([^()]{1,60}\)(?=\s*:)")  # `BACKGROUND INFORMATION (400 WORDS):`
_DEADLINE = frozenset({"deadline"})
_MAX_LABELLED_LINE = 1500  # characters; a longer line is running text
_ORNAMENTS = frozenset(" \t*_#>[(¡¿!.-–—|" + "-*•·▪►–—o\uf0b7\uf0a7‣●○■□✓➢>")


@dataclass(slots=True)
class Block:
    """A label and the lines under it. The first line is the rest of the line with the label."""

    kind: str
    line: int
    lines: list[Line] = field(default_factory=list)

    def text(self) -> str:
        """Return the text of the lines that are not blank, joined by spaces."""
        return " ".join(line.text.strip() for line in self.lines if not line.is_blank)


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """A label at the start of a line.

    `extra_lines` is the number of further lines that it covers, `end` its end in the last of them.
    """

    phrase: Phrase
    extra_lines: int
    end: int


def _is_split_by_lines(
    phrase_words: tuple[str, ...], numbered_words: list[tuple[int, NormalisedWord]], end: int
) -> bool:
    """Return whether the two halves of a label are on separate lines, such as `TAKE ACTION` and `SAMPLE LETTER`."""
    head = phrase_words.index(GAP)
    tail = end - (len(phrase_words) - 1 - max(index for index, part in enumerate(phrase_words) if part == GAP))
    return (
        numbered_words[head][0] != numbered_words[head - 1][0]
        and 0 < tail < end
        and numbered_words[tail][0] != numbered_words[tail - 1][0]
    )


def _is_ornament(text: str) -> bool:
    """Return whether the text has only marks, bullets and pictograms."""
    return all(char in _ORNAMENTS or unicodedata.category(char) in {"So", "Mn", "Sk"} for char in text)


def _without_link_targets(text: str) -> str:
    """Return the text with spaces in place of the addresses of its links, in the same length."""
    for link in find_links(text) if "](" in text else ():
        start = text.index("](", link.start) + 1
        text = text[:start] + " " * (link.end - start) + text[link.end :]
    return text


def _match_length(match: LabelMatch) -> tuple[int, int]:
    return match.extra_lines, match.end


class LabelSearch:
    """Search for labels at the start of lines."""

    def __init__(self, lines: list[Line]) -> None:
        """Create a search in these lines, which `replace` changes."""
        self._lines = lines
        self._words: dict[int, list[NormalisedWord]] = {}

    def replace(self, index: int, line: Line) -> None:
        """Replace a line by its rest after a label."""
        self._lines[index] = line
        self._words.pop(index, None)

    def _words_of(self, index: int) -> list[NormalisedWord]:
        """Return the words of a line without the number that makes it a list item: `1. Write a letter…`."""
        if index not in self._words:
            text = _without_link_targets(self._lines[index].text[:600])
            line_words = words(text, _MAX_LABEL_WORDS)
            if len(line_words) > 1 and _NUMBERED_ITEM.fullmatch(text[: line_words[1].start]):
                line_words = line_words[1:]
            self._words[index] = line_words
        return self._words[index]

    def find(self, index: int, kinds: frozenset[str] | None = None) -> LabelMatch | None:
        """Return the longest label that begins at this line, or None. It may be broken over several lines."""
        first_line_words = self._words_of(index)
        if not first_line_words or first_line_words[0].text not in vocabulary().labels:
            return None
        best: LabelMatch | None = None
        for phrase in vocabulary().labels[first_line_words[0].text]:
            if kinds and phrase.kind not in kinds:
                continue
            if len(first_line_words) > 1 < len(phrase.words) and phrase.words[1] not in {first_line_words[1].text, GAP}:
                continue  # most phrases differ from the line at their second word
            match = self._match(phrase, index)
            if match and self._is_label(match, index) and (best is None or _match_length(match) > _match_length(best)):
                best = match
        return best

    def _words_from(self, index: int, count: int) -> list[tuple[int, NormalisedWord]]:
        """Return the words of whole lines up to `count` words or a blank line, each with the offset of its line."""
        numbered_words: list[tuple[int, NormalisedWord]] = []
        for offset in range(_MAX_LABEL_LINES):
            position = index + offset
            if position >= len(self._lines) or self._lines[position].is_blank or len(numbered_words) >= count:
                break
            numbered_words += [(offset, word) for word in self._words_of(position)]
        return numbered_words

    def _match(self, phrase: Phrase, index: int) -> LabelMatch | None:
        """Return the match of a phrase at the start of a line, or None."""
        gaps = phrase.words.count(GAP)
        numbered_words = self._words_from(index, len(phrase.words) + gaps * _MAX_GAP_WORDS)
        end = _covered_words(phrase.words, [word.text for _, word in numbered_words])
        if end is None:
            return None
        offset, word = numbered_words[end - 1]
        if gaps and offset and _is_split_by_lines(phrase.words, numbered_words, end):
            return None
        return LabelMatch(phrase, offset, word.end)

    def _is_label(self, match: LabelMatch, index: int) -> bool:
        """Return whether the words are a label, not the start of a sentence in the text."""
        kind, count = match.phrase.kind, len(match.phrase.words)
        first, last = self._lines[index], self._lines[index + match.extra_lines]
        before = _ITEM_NUMBER.sub("", first.text[: self._words_of(index)[0].start], count=1)
        if not _is_ornament(before):
            return False
        rest = _BRACKETS.sub("", normalise(last.text[match.end :]), count=1)
        after = rest.lstrip(" *_)]")
        if not has_words(rest):
            return count >= _MIN_WORDS_WITHOUT_COLON or self._stands_alone(index, after)
        if after.startswith(":"):
            return True
        if kind == "write" and count > 1 and self._ends_in_colon(index + match.extra_lines):
            return True
        is_capital = (
            " ".join((first.text if match.extra_lines else first.text[: match.end]).split()).strip(" *_#").isupper()
        )
        if kind == "letter" and is_capital and is_salutation(last.text[match.end :].partition(",")[0] + ","):
            return True
        return self._may_precede_value(kind, count, rest, is_capital=is_capital)

    def _ends_in_colon(self, index: int) -> bool:
        """Return whether the sentence that begins at this line ends in a colon, before points to make."""
        for line in self._lines[index : index + _MAX_LABEL_LINES]:
            if line.is_blank:
                return False
            if line.text.rstrip(" *_").endswith(":"):
                return True
        return False

    def _may_precede_value(self, kind: str, count: int, rest: str, *, is_capital: bool) -> bool:
        """Return whether the value of a label of that kind may follow without a colon."""
        after = rest.lstrip(" *_)]")
        if kind == "banner":
            return (after.startswith(("-", "|", "!")) and is_capital) or rest.startswith(("** ", "__ "))
        if kind in _DATED_KINDS and any(char.isdigit() for char in rest[:40]):
            return count >= 2
        if kind in _INLINE_KINDS:
            return count >= 3 or (kind == "boilerplate" and not rest.strip(" .!*_"))
        return count >= _MIN_WORDS_WITHOUT_COLON or (count == _MIN_WORDS_WITHOUT_COLON - 1 and is_capital)

    def _stands_alone(self, index: int, after: str) -> bool:
        """Return whether a phrase of few words without a colon is a label, because it is alone on its line."""
        first = self._lines[index]
        if after.startswith(":") or is_heading(first.text) or is_bold(first.text):
            return True
        letters = [char for char in first.text if char.isalpha()]
        if letters and (not any(char.islower() for char in letters) or " ".join(first.text.split()).istitle()):
            return True
        above = self._lines[index - 1] if index else None
        return above is None or above.is_blank or above.text.rstrip(" *_").endswith((".", ":", "!", "?"))


def _covered_words(phrase_words: tuple[str, ...], texts: list[str]) -> int | None:
    """Return the number of words that the phrase covers, or None; each gap covers the fewest words possible."""
    position = 0
    for number, part in enumerate(phrase_words):
        if part == GAP:
            continue
        if number and phrase_words[number - 1] == GAP:
            tail = phrase_words[
                number : phrase_words.index(GAP, number) if GAP in phrase_words[number:] else len(phrase_words)
            ]
            for skip in range(_MAX_GAP_WORDS + 1):
                if tuple(texts[position + skip : position + skip + len(tail)]) == tail:
                    position += skip
                    break
            else:
                return None
        if position >= len(texts) or texts[position] != part:
            return None
        position += 1
    return position


def ends_sentence(text: str) -> bool:
    """Return whether a line ends a sentence, so that the next line begins something new."""
    return text.rstrip(" *_)»”\"'").endswith((".", "!", "?", ":"))


def split_at_labels(lines: list[Line]) -> list[Line]:
    """Return the lines, with each line that begins with a short block's label split at its further labels.

    Copying from a web page or a PDF puts languages, deadline and names on one line.
    """
    labels = LabelSearch(lines)
    result: list[Line] = []
    for index, line in enumerate(lines):
        match = labels.find(index) if not line.is_blank and len(line.text) <= _MAX_LABELLED_LINE else None
        if match is None and (start := _deadline_sentence(line, lines[index + 1 : index + _MAX_LABEL_LINES])):
            result += [Line(line.number, line.text[:start].rstrip()), Line(line.number, line.text[start:])]
            continue
        if match is None or match.extra_lines or match.phrase.kind not in _LINE_SHARING_KINDS:
            result.append(line)
            continue
        start = 0
        for position in _inner_label_starts(line, match.end, lines[index + 1 : index + _MAX_LABEL_LINES]):
            result.append(Line(line.number, line.text[start:position].rstrip()))
            start = position
        result.append(Line(line.number, line.text[start:]) if start else line)
    return result


def _deadline_sentence(line: Line, below: list[Line]) -> int | None:
    """Return where a sentence with a deadline begins behind another on a line: `Write now. Please act before …`."""
    if len(line.text) > _MAX_LABELLED_LINE or not re.search(r"\d{4}", line.text):
        return None
    for found in re.finditer(r"[.!?] (?=[^\W\d_])", line.text):
        start = found.end()
        match = LabelSearch([Line(line.number, line.text[start:]), *below]).find(0, _DEADLINE)
        if match and not match.extra_lines and re.search(r"\d{4}", line.text[start + match.end :][:40]):
            return start
    return None


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
        match = LabelSearch([Line(line.number, line.text[start:]), *below]).find(0, _INNER_KINDS)
        if (
            match
            and match.extra_lines == 0
            and not is_ended
            and line.text[start + match.end :].lstrip(" *_")[:1] != ":"
        ):
            continue
        is_language = match is not None and match.phrase.kind == "languages" and len(match.phrase.words) > 2
        if match and (is_language or len(match.phrase.words) >= _MIN_WORDS_WITHOUT_COLON):
            starts.append(start)
            first = start + match.end
    return starts


def cut_label(lines: list[Line], index: int, match: LabelMatch, tracker: LineTracker) -> Line:
    """Mark the label's lines as used, and return the rest of the last line."""
    for offset in range(match.extra_lines):
        tracker.mark_used(lines[index + offset])
    last = lines[index + match.extra_lines]
    return tracker.cut_label(last, last.text[match.end :].lstrip(" *_:.-–—\u00a0\u202f\u2009\t)]!|"))
