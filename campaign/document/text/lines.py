"""The lines of a document and the ledger that makes every one of them end somewhere.

A non-blank line is open until a field or a label takes it; what is still open at the end becomes an
`unplaced-line` warning, so that nothing can be dropped by forgetting it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from campaign.document.draft import DraftWarning
from campaign.document.text.normalise import has_words

# A case has some hundred lines. What parses them takes a time that grows with their number.
MOST_LINES = 10_000
MOST_CHARACTERS = 400_000
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or what a label left of it; `number` counts from 1 in the text that was read."""

    number: int
    text: str
    is_cut: bool = False  # a label stood before it
    is_full: bool = False  # the first word of the next line would not have fitted on it
    is_margin: bool = False  # stands in a page's header or footer, so that only labels and references are read in it
    is_joined: bool = False  # of several that had been wrapped

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


@dataclass(slots=True)
class Ledger:
    """Which lines are still open, and the doubts met on the way."""

    open: dict[int, str] = field(default_factory=dict)
    warnings: dict[DraftWarning, None] = field(default_factory=dict)  # in their order, each once
    used: dict[int, list[str]] = field(default_factory=dict)
    parts: dict[int, list[Line]] = field(default_factory=dict)  # of joined lines, by their first number

    @classmethod
    def of(cls, lines: list[Line]) -> Ledger:
        return cls(open={line.number: line.text.strip() for line in lines if not line.is_blank})

    def join(self, parts: list[Line], text: str) -> Line:
        """One line in the place of several; they end together wherever it ends."""
        first = parts[0].number
        for part in parts:
            self.open.pop(part.number, None)
        self.open[first] = text.strip()
        self.parts[first] = parts
        return Line(first, text, is_joined=True)

    def take(self, line: Line, by: str) -> None:
        """The line's text is in the field or label `by`."""
        self.open.pop(line.number, None)
        self.used.setdefault(line.number, []).append(by)

    def cut(self, line: Line, rest: str, by: str) -> Line:
        """The line's beginning is a label; what is left of it is still open."""
        self.take(line, by)
        left = Line(line.number, rest.strip(), is_cut=True)
        if has_words(left.text):
            self.open[line.number] = left.text
        return left

    def warn(self, code: str, message: str, line: int) -> None:
        self.warnings[DraftWarning(code, message, line)] = None

    def close(self) -> tuple[DraftWarning, ...]:
        """All warnings in the order of their lines, those for lines that nothing took among them."""
        for number, text in self.open.items():
            for part in self.parts.get(number, [Line(number, text)]):
                if has_words(part.text):
                    self.warn("unplaced-line", f"nothing takes this line: {shown(part.text)}", part.number)
        return tuple(sorted(self.warnings, key=lambda warning: warning.line))


def shown(text: str) -> str:
    """A piece of the document as a message may quote it: one line, not too long."""
    flat = " ".join(text.split())
    return f"“{flat if len(flat) <= _SHOWN else flat[: _SHOWN - 1] + '…'}”"


def paragraphs(lines: list[Line]) -> list[list[Line]]:
    """The lines in groups parted by blank ones."""
    groups: list[list[Line]] = [[]]
    for line in lines:
        if line.is_blank:
            groups.append([])
        else:
            groups[-1].append(line)
    return [group for group in groups if group]
