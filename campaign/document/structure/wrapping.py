"""Takes back what filled the lines: hard wraps of mail programs and editors, and words broken at the end of a line.

A line was wrapped where the next word would not have fitted on it. Address lines end far before that, so they keep
their breaks; where one does not, the reader of the targets says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from campaign.document.fields.contacts import split
from campaign.document.fields.dates import dates
from campaign.document.labels import vocabulary
from campaign.document.structure.blocks import Labels
from campaign.document.text.emphasis import is_heading
from campaign.document.text.lines import Ledger, Line, shown
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import fold, key

_WIDEST = 100  # characters; whoever wraps wraps before
_NARROWEST = 50
_FILLED = 0.6  # of the width: a shorter line was ended on purpose, however long the next word
_SURE = 2  # so many filled lines, and four in five of the long ones, make a wrapped text
_OUTLIERS = 50  # one line in so many may be longer: an address of the web cannot be wrapped
_WORD = re.compile(r"\S+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HYPHEN = re.compile(r"(?<![\w@./-])([^\W\d_]{2,40})([-\u2010\u00ad])[*_]{0,3}\s*$")
_TAIL = re.compile(r"\s*[*_]{0,3}([^\W\d_]{1,40})(-?)(?![\w@*/(]|\.\w)")
_URL = 300  # characters
_URL_BROKEN = re.compile(r"(?:https?://|www\.)\S{0,300}$")
_URL_REST = re.compile(r"\s*(?:[./?#]\S|\S{1,200}/)\S{0,300}\s*$")
_URL_END = re.compile(r"\s*[a-z0-9][\w.-]{0,60}\s*$")  # behind a slash, the last part of an address
_REACH = 60  # characters in which a broken word is looked for


def unwrapped(lines: list[Line], ledger: Ledger) -> list[Line]:
    """The lines as they were before somebody filled them; a joined line has its first number and keeps its parts."""
    width = None if any(line.is_full for line in lines) else _width(lines)
    labels = Labels(lines)
    broken = _Hyphens(lines)
    found: list[Line] = []
    pieces: list[str] = []
    parts: list[Line] = []
    for at, line in enumerate(lines):
        head: str | None = None
        if parts and not line.is_blank and not parts[-1].is_blank:
            head = broken.head(pieces[-1], parts[-1], line, ledger) or _address_head(parts[-1], line, ledger)
            full = parts[-1].is_full or _is_full(parts[-1], line, width)
            if head is None and full and _is_wrapped(lines, at, labels):
                head = pieces[-1].rstrip() + " "
        if head is None:
            found += _closed(pieces, parts, ledger)
            pieces, parts = [line.text], [line]
        else:
            pieces[-1] = head
            pieces.append(line.text.lstrip())
            parts.append(line)
    return found + _closed(pieces, parts, ledger)


def _closed(pieces: list[str], parts: list[Line], ledger: Ledger) -> list[Line]:
    text = "".join(pieces).replace("\u00ad", "")
    return [ledger.join(parts, text)] if len(parts) > 1 else [replace(part, text=text) for part in parts]


def _pairs(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """The length of each line and that of the word after it, where a paragraph goes on."""
    for line, after in pairwise(lines):
        if not line.is_blank and not after.is_blank and not is_bullet(after.text) and not is_heading(after.text):
            yield len(line.text.rstrip()), _first(after.text)


def _first(text: str) -> int:
    word = _WORD.search(text)
    return len(word.group()) if word else 0


def _width(lines: list[Line]) -> int | None:
    """How wide the text was filled, or None where it was not."""
    lengths = [len(line.text.rstrip()) for line in lines if " " in line.text.strip()]
    usual = [length for length in lengths if length <= _WIDEST]
    if not usual or (len(lengths) - len(usual)) * _OUTLIERS > len(lengths):
        return None
    width = max(usual)
    long = [(length, word) for length, word in _pairs(lines) if 0.8 * width <= length <= width]
    filled = sum(length + 1 + word > width for length, word in long)
    return width if width >= _NARROWEST and filled >= _SURE and filled * 5 >= len(long) * 4 else None


def _address_head(above: Line, line: Line, ledger: Ledger) -> str | None:
    """The line above where an address of the web goes on in the next one, which only a page's edge can break."""
    if not (above.is_full and _URL_BROKEN.search(above.text[-2 * _URL :])):
        return None
    goes_on = above.text.rstrip().endswith("/") and _URL_END.match(line.text[: 2 * _URL])
    if not goes_on and not _URL_REST.match(line.text[: 2 * _URL]):
        return None
    ledger.warn("word-broken", f"a line ends inside an address: {shown(above.text[-_REACH:])}", line.number)
    return above.text.rstrip()


def _is_full(line: Line, after: Line, width: int | None) -> bool:
    """Whether the next line's first word would not have fitted on this one."""
    length = len(line.text.rstrip())
    return width is not None and _FILLED * width <= length <= width < length + 1 + _first(after.text)


def _is_wrapped(lines: list[Line], at: int, labels: Labels) -> bool:
    """Whether a line under a full one goes on with it, and is not another item, label or address."""
    above, text = lines[at - 1].text, lines[at].text
    if is_heading(text) or _is_item(text) or above.endswith(("  ", "\\")):
        return False
    end = above.rstrip(" *_")
    if _is_address(text):  # of the mail or the web: on a line of its own, or one of several
        return end.endswith((",", ";", ":")) or key(end[-_REACH:]).rpartition(" ")[2] in vocabulary().words("or")
    if end.endswith((".", "!", "?")) or (end.endswith(":") and not (is_heading(above) or _is_capital(above, text))):
        return False
    label = labels.at(at)
    if text.lstrip(" *_")[:1].islower():
        return label is None or text[label.end :].lstrip(" *_)]")[:1] != ":"
    return not end.endswith(";") and label is None and split(text)[0].kind is None


def _is_item(text: str) -> bool:
    """Whether the line is an item of a list; a wrapped “o” or “15. Januar” is none."""
    return is_bullet(text) and not text.startswith("o ") and not any(day.start == 0 for day in dates(text[:40]))


def _is_capital(*texts: str) -> bool:
    return all(text.isupper() for text in texts)


def _is_address(text: str) -> bool:
    word = _WORD.search(text)
    return word is not None and any(mark in word.group() for mark in ("@", "://", "www."))


class _Hyphens:
    """Words broken at the end of a line; the other lines of the document tell which hyphens are its own."""

    def __init__(self, lines: list[Line]) -> None:
        self._broken = any(_HYPHEN.search(line.text[-_REACH:]) for line in lines)
        self._words: set[str] = set()
        if self._broken:
            self._words.update(word for line in lines for word in _WORDS.findall(fold(line.text)))

    def head(self, text: str, above: Line, line: Line, ledger: Ledger) -> str | None:
        """What the line above says as the rest of its last word continues it, or None where no word is broken."""
        head = _HYPHEN.search(text[-_REACH:]) if self._broken else None
        tail = _TAIL.match(line.text[:_REACH]) if head else None
        if head is None or tail is None or (len(tail[1]) > 1 and fold(tail[1]) in vocabulary().words("or")):
            return None
        start = max(len(text) - _REACH, 0) + head.start(2)
        is_soft = head[2] == "\u00ad"
        if is_soft and not above.is_full:
            return text[:start]
        # An ending such as the one of “préoccupé-e-s” and a second capital keep their hyphen beyond doubt.
        if tail[2] or tail[1][0].isupper() or (len(tail[1]) < 3 and not is_soft):
            return text[:start] + "-"
        whole, written = fold(head[1] + tail[1]), fold(f"{head[1]}-{tail[1]}")
        is_whole = is_soft
        if (whole in self._words) != (written in self._words):
            is_whole = whole in self._words
        else:
            said = f"a line ends inside a word: is it {head[1]}-{tail[1]} or {head[1]}{tail[1]}?"
            ledger.warn("word-broken", said, line.number)
        return text[:start] + ("" if is_whole else "-")
