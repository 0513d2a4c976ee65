"""The lines of a document and the ledger that makes every one of them end somewhere.

A non-blank line is open until a field or a label takes it; what is still open at the end becomes an
`unplaced-line` warning, so that nothing can be dropped by forgetting it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .draft import DraftWarning
from .fold import has_words

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or what a label left of it; `number` counts from 1 in the text that was read."""

    number: int
    text: str
    is_cut: bool = False  # a label stood before it

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


@dataclass(slots=True)
class Ledger:
    """Which lines are still open, and the doubts met on the way."""

    open: dict[int, str] = field(default_factory=dict)
    warnings: list[DraftWarning] = field(default_factory=list)
    used: dict[int, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: list[Line]) -> Ledger:
        return cls(open={line.number: line.text.strip() for line in lines if not line.is_blank})

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
        warning = DraftWarning(code, message, line)
        if warning not in self.warnings:
            self.warnings.append(warning)

    def close(self) -> tuple[DraftWarning, ...]:
        """All warnings in the order of their lines, those for lines that nothing took among them."""
        for number, text in self.open.items():
            if has_words(text):
                self.warn("unplaced-line", f"nothing takes this line: {shown(text)}", number)
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
