"""The lines of a document, and the tracker that accounts for every one of them.

A line with text is unused until a field or a label uses it. A line that is still unused at the end becomes an
`unplaced-line` warning, so that no text is lost unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from campaign.document.draft import DraftWarning
from campaign.document.errors import DocumentError
from campaign.document.text.normalise import has_words

# A case has some hundred lines. The time to parse grows with their number.
MAX_LINES = 10_000
MAX_BLANK_LINES = 30_000
MAX_CHARACTERS = 400_000
_EXCERPT_LENGTH = 120  # characters


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the document, or its rest after a label; `number` counts from 1 in the text that was read."""

    number: int
    text: str
    is_label_rest: bool = False  # a label before it was cut off
    is_full: bool = False  # the first word of the next line would not have fitted on it
    is_margin: bool = False  # from a page's header or footer, where only labels and references are read
    is_joined: bool = False  # made of several wrapped lines

    @property
    def is_blank(self) -> bool:
        """Return whether the line has only spaces."""
        return not self.text.strip()


@dataclass(slots=True)
class LineTracker:
    """The lines that no field has used yet, and the warnings so far."""

    unused: dict[int, str] = field(default_factory=dict)  # line number → text
    warnings: dict[DraftWarning, None] = field(default_factory=dict)  # in their order, without repeats
    parts: dict[int, list[Line]] = field(default_factory=dict)  # first number of a joined line → its lines

    @classmethod
    def from_lines(cls, lines: list[Line]) -> LineTracker:
        """Return a tracker for which every line with text is unused."""
        return cls(unused={line.number: line.text.strip() for line in lines if not line.is_blank})

    def join(self, parts: list[Line], text: str) -> Line:
        """Return one line that replaces several; its use counts as the use of all of them."""
        first = parts[0].number
        for part in parts:
            self.unused.pop(part.number, None)
        self.unused[first] = text.strip()
        self.parts[first] = parts
        return Line(first, text, is_joined=True)

    def mark_used(self, line: Line) -> None:
        """Record that the text of the line is in a field or belongs to a label."""
        self.unused.pop(line.number, None)

    def cut_label(self, line: Line, rest: str) -> Line:
        """Record that the line begins with a label, and return the rest of the line, which is unused."""
        self.mark_used(line)
        remainder = Line(line.number, rest.strip(), is_label_rest=True)
        if has_words(remainder.text):
            self.unused[line.number] = remainder.text
        return remainder

    def warn(self, code: str, message: str, line: int, lines: tuple[int, ...] = ()) -> None:
        """Add a warning for a line, or for all of `lines`, unless the same warning is there already."""
        self.warnings[DraftWarning(code, message, line, lines)] = None

    def all_warnings(self) -> tuple[DraftWarning, ...]:
        """Return all warnings in the order of their lines, with one for each unused line."""
        for number, text in self.unused.items():
            for part in self.parts.get(number, [Line(number, text)]):
                if has_words(part.text):
                    self.warn("unplaced-line", f"this line is in no field: {excerpt(part.text)}", part.number)
        return tuple(sorted(self.warnings, key=lambda warning: warning.line))


def excerpt(text: str) -> str:
    """Return the text as a message quotes it: in quotation marks, on one line, with at most 120 characters."""
    flat = " ".join(text.split())
    return f"“{flat if len(flat) <= _EXCERPT_LENGTH else flat[: _EXCERPT_LENGTH - 1] + '…'}”"


def split_paragraphs(lines: list[Line]) -> list[list[Line]]:
    """Return the lines in groups, split at blank lines."""
    groups: list[list[Line]] = [[]]
    for line in lines:
        if line.is_blank:
            groups.append([])
        else:
            groups[-1].append(line)
    return [group for group in groups if group]


def require_text(texts: Iterable[str], name: str, *, has_pictures: bool) -> None:
    """Raise DocumentError if no text has a letter or a digit: `no-text` if the file has pictures, else `empty`."""
    if any(has_words(text) for text in texts):
        return
    if has_pictures:
        raise DocumentError("no-text", f"{name} holds pictures of pages and no text; use the text version")
    raise DocumentError("empty", f"{name} holds no text")
