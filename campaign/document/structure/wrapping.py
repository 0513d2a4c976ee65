"""Joining of the lines that a mail program, an editor or a page's edge broke, and of the words broken by hyphens.

A line counts as wrapped if the next line's first word would not have fitted on it. Address lines are much shorter, so
they keep their breaks; the reader of the targets warns if one was joined.
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

_MAX_WIDTH = 100  # characters; text with longer lines is not wrapped
_MIN_WIDTH = 50  # characters
_MIN_FULL_SHARE = 0.6  # of the width; a shorter line was ended on purpose, even before a very long word
_MIN_FULL_LINES = 2  # in a wrapped text, in which also four in five of the long lines are full
_LINES_PER_OUTLIER = 50  # one line in 50 may exceed _MAX_WIDTH, since a web address cannot be wrapped
_NON_SPACES = re.compile(r"\S+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_WORD_START = re.compile(r"(?<![\w@./-])([^\W\d_]{2,40})([-\u2010\u00ad])[*_]{0,3}\s*$")
_WORD_END = re.compile(r"\s*[*_]{0,3}([^\W\d_]{1,40})(-?)(?![\w@*/(]|\.\w)")
_MAX_URL_LENGTH = 300  # characters
_URL_BROKEN = re.compile(r"(?:https?://|www\.)\S{0,300}$")
_URL_CONTINUED = re.compile(r"\s*(?:[./?#]\S|\S{1,200}/)\S{0,300}\s*$")
_URL_LAST_PART = re.compile(r"\s*[a-z0-9][\w.-]{0,60}\s*$")  # the last part of an address, after a slash
_BREAK_REGION = 60  # characters at the end or start of a line that are searched for a broken word


def unwrap_lines(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines as they were before wrapping.

    A joined line has the number of its first part; the tracker records all parts.
    """
    # Lines of a PDF are marked as full by the layout; other lines are measured by their characters.
    width = None if any(line.is_full for line in lines) else _wrap_width(lines)
    labels = LabelSearch(lines)
    broken_words = _BrokenWords(lines)
    result: list[Line] = []
    texts: list[str] = []
    parts: list[Line] = []
    for index, line in enumerate(lines):
        joined_start: str | None = None
        if parts and not line.is_blank and not parts[-1].is_blank:
            joined_start = broken_words.joined_start(texts[-1], parts[-1], line, tracker) or _broken_url(
                parts[-1], line, tracker
            )
            is_full = parts[-1].is_full or _is_full(parts[-1], line, width)
            if joined_start is None and is_full and _continues_line_above(lines, index, labels):
                joined_start = texts[-1].rstrip() + " "
        if joined_start is None:
            result += _finish_line(texts, parts, tracker)
            texts, parts = [line.text], [line]
        else:
            texts[-1] = joined_start
            texts.append(line.text.lstrip())
            parts.append(line)
    return result + _finish_line(texts, parts, tracker)


def _finish_line(texts: list[str], parts: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the joined line of several parts, or the only part, without soft hyphens."""
    text = "".join(texts).replace("\u00ad", "")
    return [tracker.join(parts, text)] if len(parts) > 1 else [replace(part, text=text) for part in parts]


def _line_and_next_word_lengths(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """Yield the length of each line and of the next line's first word, inside paragraphs."""
    for line, next_line in pairwise(lines):
        if (
            not line.is_blank
            and not next_line.is_blank
            and not is_bullet(next_line.text)
            and not is_heading(next_line.text)
        ):
            yield len(line.text.rstrip()), _first_word_length(next_line.text)


def _first_word_length(text: str) -> int:
    word = _NON_SPACES.search(text)
    return len(word.group()) if word else 0


def _wrap_width(lines: list[Line]) -> int | None:
    """Return the width to which the text was wrapped, in characters, or None if it was not."""
    lengths = [len(line.text.rstrip()) for line in lines if " " in line.text.strip()]
    plausible = [length for length in lengths if length <= _MAX_WIDTH]
    if not plausible or (len(lengths) - len(plausible)) * _LINES_PER_OUTLIER > len(lengths):
        return None
    width = max(plausible)
    long_lines = [
        (length, next_word)
        for length, next_word in _line_and_next_word_lengths(lines)
        if 0.8 * width <= length <= width
    ]
    full_count = sum(length + 1 + next_word > width for length, next_word in long_lines)
    return (
        width
        if width >= _MIN_WIDTH and full_count >= _MIN_FULL_LINES and full_count * 5 >= len(long_lines) * 4
        else None
    )


def _broken_url(above: Line, line: Line, tracker: LineTracker) -> str | None:
    """Return the text of the line above if it ends in a web address that this line continues, or None.

    Only the edge of a PDF page breaks an address, so the line above has to be marked as full.
    """
    if not (above.is_full and _URL_BROKEN.search(above.text[-2 * _MAX_URL_LENGTH :])):
        return None
    is_last_part = above.text.rstrip().endswith("/") and _URL_LAST_PART.match(line.text[: 2 * _MAX_URL_LENGTH])
    if not is_last_part and not _URL_CONTINUED.match(line.text[: 2 * _MAX_URL_LENGTH]):
        return None
    tracker.warn("word-broken", f"a line ends inside an address: {excerpt(above.text[-_BREAK_REGION:])}", line.number)
    return above.text.rstrip()


def _is_full(line: Line, next_line: Line, width: int | None) -> bool:
    """Return whether the next line's first word would not have fitted on this line."""
    length = len(line.text.rstrip())
    return width is not None and _MIN_FULL_SHARE * width <= length <= width < length + 1 + _first_word_length(
        next_line.text
    )


def _continues_line_above(lines: list[Line], index: int, labels: LabelSearch) -> bool:
    """Return whether the line continues the full line above it, and is not a list item, a label or an address."""
    above, text = lines[index - 1].text, lines[index].text
    if is_heading(text) or _is_list_item(text) or above.endswith(("  ", "\\")):
        return False
    above_end = above.rstrip(" *_")
    if _begins_with_address(text):  # a mail or web address continues the line above only in a list of several
        return above_end.endswith((",", ";", ":")) or normalised(above_end[-_BREAK_REGION:]).rpartition(" ")[
            2
        ] in vocabulary().single_words("or")
    if above_end.endswith((".", "!", "?")) or (
        above_end.endswith(":") and not (is_heading(above) or _are_capital(above, text))
    ):
        return False
    label = labels.find(index)
    if text.lstrip(" *_")[:1].islower():
        return label is None or text[label.end :].lstrip(" *_)]")[:1] != ":"
    return not above_end.endswith(";") and label is None and split_contacts(text)[0].kind is None


def _is_list_item(text: str) -> bool:
    """Return whether the line is a list item; a wrapped line that begins with “o” or “15. Januar” is not."""
    return is_bullet(text) and not text.startswith("o ") and not any(day.start == 0 for day in find_dates(text[:40]))


def _are_capital(*texts: str) -> bool:
    return all(text.isupper() for text in texts)


def _begins_with_address(text: str) -> bool:
    """Return whether the first word is a mail or web address."""
    word = _NON_SPACES.search(text)
    return word is not None and any(mark in word.group() for mark in ("@", "://", "www."))


class _BrokenWords:
    """Search for words that are broken at the end of a line.

    The document's other words show whether the hyphen belongs to the word.
    """

    def __init__(self, lines: list[Line]) -> None:
        """Collect the document's words, if any line ends in a hyphen."""
        self._has_broken_words = any(_WORD_START.search(line.text[-_BREAK_REGION:]) for line in lines)
        self._words: set[str] = set()
        if self._has_broken_words:
            self._words.update(word for line in lines for word in _WORD.findall(normalise(line.text)))

    def joined_start(self, text: str, above: Line, line: Line, tracker: LineTracker) -> str | None:
        """Return the text of the line above, to which the rest of its broken last word can be appended.

        Returns None if no word is broken.
        """
        first_half = _WORD_START.search(text[-_BREAK_REGION:]) if self._has_broken_words else None
        second_half = _WORD_END.match(line.text[:_BREAK_REGION]) if first_half else None
        if (
            first_half is None
            or second_half is None
            or (len(second_half[1]) > 1 and normalise(second_half[1]) in vocabulary().single_words("or"))
        ):
            return None
        start = max(len(text) - _BREAK_REGION, 0) + first_half.start(2)
        is_soft_hyphen = first_half[2] == "\u00ad"
        # Outside PDF a soft hyphen is certain; some PDF files encode every hyphen as a soft one.
        if is_soft_hyphen and not above.is_full:
            return text[:start]
        # A second hyphen (“préoccupé-e-s”), a capital or a very short ending shows that the hyphen belongs to the word.
        if second_half[2] or second_half[1][0].isupper() or (len(second_half[1]) < 3 and not is_soft_hyphen):
            return text[:start] + "-"
        joined, hyphenated = normalise(first_half[1] + second_half[1]), normalise(f"{first_half[1]}-{second_half[1]}")
        drops_hyphen = is_soft_hyphen
        if (joined in self._words) != (hyphenated in self._words):
            drops_hyphen = joined in self._words
        else:
            message = (
                f"a line ends inside a word: is it {first_half[1]}-{second_half[1]} or {first_half[1]}{second_half[1]}?"
            )
            tracker.warn("word-broken", message, line.number)
        return text[:start] + ("" if drops_hyphen else "-")
