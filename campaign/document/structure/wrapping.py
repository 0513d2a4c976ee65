"""Removal of hard wraps by mail programs and editors, and of hyphens at the end of lines.

A line is wrapped if the next word would not have fitted on it. Address lines end far before that, so they keep their
breaks; the reader of the targets warns where one does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from campaign.document.fields.contacts import split_contacts
from campaign.document.fields.dates import find_dates
from campaign.document.labels import vocabulary
from campaign.document.structure.blocks import LabelSearch
from campaign.document.text.emphasis import is_heading
from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import normalise, normalised

_WIDEST = 100  # characters; wrapping happens before this width
_NARROWEST = 50  # characters
_MIN_FULL_PART = 0.6  # of the width; a shorter line was ended on purpose, however long the next word
_MIN_FULL_LINES = 2  # full lines that show a wrapped text, if four in five of the long lines are full
_LINES_PER_OUTLIER = 50  # one line in so many may be longer, since a web address cannot be wrapped
_WORD = re.compile(r"\S+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HYPHEN = re.compile(r"(?<![\w@./-])([^\W\d_]{2,40})([-\u2010\u00ad])[*_]{0,3}\s*$")
_TAIL = re.compile(r"\s*[*_]{0,3}([^\W\d_]{1,40})(-?)(?![\w@*/(]|\.\w)")
_URL = 300  # characters
_URL_BROKEN = re.compile(r"(?:https?://|www\.)\S{0,300}$")
_URL_REST = re.compile(r"\s*(?:[./?#]\S|\S{1,200}/)\S{0,300}\s*$")
_URL_END = re.compile(r"\s*[a-z0-9][\w.-]{0,60}\s*$")  # the last part of an address, behind a slash
_REACH = 60  # characters in which a broken word is searched


def unwrap_lines(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines as they were before wrapping.

    A joined line has the first number of its parts, which the tracker remembers.
    """
    width = None if any(line.is_full for line in lines) else _width(lines)
    labels = LabelSearch(lines)
    broken = _BrokenWords(lines)
    result: list[Line] = []
    pieces: list[str] = []
    parts: list[Line] = []
    for index, line in enumerate(lines):
        head: str | None = None
        if parts and not line.is_blank and not parts[-1].is_blank:
            head = broken.head(pieces[-1], parts[-1], line, tracker) or _address_head(parts[-1], line, tracker)
            is_full = parts[-1].is_full or _is_full(parts[-1], line, width)
            if head is None and is_full and _is_wrapped(lines, index, labels):
                head = pieces[-1].rstrip() + " "
        if head is None:
            result += _finish_line(pieces, parts, tracker)
            pieces, parts = [line.text], [line]
        else:
            pieces[-1] = head
            pieces.append(line.text.lstrip())
            parts.append(line)
    return result + _finish_line(pieces, parts, tracker)


def _finish_line(pieces: list[str], parts: list[Line], tracker: LineTracker) -> list[Line]:
    text = "".join(pieces).replace("\u00ad", "")
    return [tracker.join(parts, text)] if len(parts) > 1 else [replace(part, text=text) for part in parts]


def _line_and_next_word_lengths(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Yield the length of each line and of the next line's first word, inside paragraphs."""
    for line, after in pairwise(lines):
        if not line.is_blank and not after.is_blank and not is_bullet(after.text) and not is_heading(after.text):
            yield len(line.text.rstrip()), _first_word_length(after.text)


def _first_word_length(text: str) -> int:
    word = _WORD.search(text)
    return len(word.group()) if word else 0


def _width(lines: list[Line]) -> int | None:
    """Return the width to which the text was wrapped, in characters, or None if it was not."""
    lengths = [len(line.text.rstrip()) for line in lines if " " in line.text.strip()]
    plausible = [length for length in lengths if length <= _WIDEST]
    if not plausible or (len(lengths) - len(plausible)) * _LINES_PER_OUTLIER > len(lengths):
        return None
    width = max(plausible)
    long = [(length, word) for length, word in _line_and_next_word_lengths(lines) if 0.8 * width <= length <= width]
    full_count = sum(length + 1 + word > width for length, word in long)
    return width if width >= _NARROWEST and full_count >= _MIN_FULL_LINES and full_count * 5 >= len(long) * 4 else None


def _address_head(above: Line, line: Line, tracker: LineTracker) -> str | None:
    """Return the line above if a web address goes on in the next line, which only a page's edge can cause."""
    if not (above.is_full and _URL_BROKEN.search(above.text[-2 * _URL :])):
        return None
    goes_on = above.text.rstrip().endswith("/") and _URL_END.match(line.text[: 2 * _URL])
    if not goes_on and not _URL_REST.match(line.text[: 2 * _URL]):
        return None
    tracker.warn("word-broken", f"a line ends inside an address: {excerpt(above.text[-_REACH:])}", line.number)
    return above.text.rstrip()


def _is_full(line: Line, after: Line, width: int | None) -> bool:
    """Return whether the next line's first word would not have fitted on this line."""
    length = len(line.text.rstrip())
    return width is not None and _MIN_FULL_PART * width <= length <= width < length + 1 + _first_word_length(after.text)


def _is_wrapped(lines: list[Line], index: int, labels: LabelSearch) -> bool:
    """Return whether a line under a full one continues it, and is not another item, label or address."""
    above, text = lines[index - 1].text, lines[index].text
    if is_heading(text) or _is_item(text) or above.endswith(("  ", "\\")):
        return False
    end = above.rstrip(" *_")
    if _is_address(text):  # a mail or web address: on a line of its own, or one of several
        return end.endswith((",", ";", ":")) or normalised(end[-_REACH:]).rpartition(" ")[
            2
        ] in vocabulary().single_words("or")
    if end.endswith((".", "!", "?")) or (end.endswith(":") and not (is_heading(above) or _is_capital(above, text))):
        return False
    label = labels.find(index)
    if text.lstrip(" *_")[:1].islower():
        return label is None or text[label.end :].lstrip(" *_)]")[:1] != ":"
    return not end.endswith(";") and label is None and split_contacts(text)[0].kind is None


def _is_item(text: str) -> bool:
    """Return whether the line is an item of a list; a wrapped “o” or “15. Januar” is no item."""
    return is_bullet(text) and not text.startswith("o ") and not any(day.start == 0 for day in find_dates(text[:40]))


def _is_capital(*texts: str) -> bool:
    return all(text.isupper() for text in texts)


def _is_address(text: str) -> bool:
    word = _WORD.search(text)
    return word is not None and any(mark in word.group() for mark in ("@", "://", "www."))


class _BrokenWords:
    """Words broken at the end of a line; the other lines of the document tell which hyphens belong to words."""

    def __init__(self, lines: list[Line]) -> None:
        """Collect the document's words, if any line ends in a hyphen."""
        self._broken = any(_HYPHEN.search(line.text[-_REACH:]) for line in lines)
        self._words: set[str] = set()
        if self._broken:
            self._words.update(word for line in lines for word in _WORDS.findall(normalise(line.text)))

    def head(self, text: str, above: Line, line: Line, tracker: LineTracker) -> str | None:
        """Return the line above as its broken last word continues in the next line, or None if no word is broken."""
        head = _HYPHEN.search(text[-_REACH:]) if self._broken else None
        tail = _TAIL.match(line.text[:_REACH]) if head else None
        if head is None or tail is None or (len(tail[1]) > 1 and normalise(tail[1]) in vocabulary().single_words("or")):
            return None
        start = max(len(text) - _REACH, 0) + head.start(2)
        is_soft = head[2] == "\u00ad"
        if is_soft and not above.is_full:
            return text[:start]
        # Endings as in “préoccupé-e-s” and a capital behind the hyphen prove that the hyphen belongs to the word.
        if tail[2] or tail[1][0].isupper() or (len(tail[1]) < 3 and not is_soft):
            return text[:start] + "-"
        joined, hyphenated = normalise(head[1] + tail[1]), normalise(f"{head[1]}-{tail[1]}")
        is_joined = is_soft
        if (joined in self._words) != (hyphenated in self._words):
            is_joined = joined in self._words
        else:
            message = f"a line ends inside a word: is it {head[1]}-{tail[1]} or {head[1]}{tail[1]}?"
            tracker.warn("word-broken", message, line.number)
        return text[:start] + ("" if is_joined else "-")
