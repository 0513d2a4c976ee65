"""Urgent Action documents, as an organisation issued them, become a `DraftAppeal` plus warnings.

`reader` turns a file into lines, `labels` says what the templates call their blocks, `parser` puts the
lines in place. Knows no framework and no database.
"""

from __future__ import annotations

from campaign.document.draft import DraftAppeal, DraftLetter, DraftPerson, DraftTarget, DraftWarning
from campaign.document.errors import DocumentError
from campaign.document.formats.reader import LIMIT, read_lines
from campaign.document.parser import parse_lines
from campaign.document.text.quoting import normalise

__all__ = [
    "LIMIT",
    "DocumentError",
    "DraftAppeal",
    "DraftLetter",
    "DraftPerson",
    "DraftTarget",
    "DraftWarning",
    "parse_document",
    "parse_text",
    "read_document",
    "read_lines",
]


def parse_document(data: bytes, filename: str) -> DraftAppeal:
    """The appeal in a file. Raises DocumentError, and nothing else, for whatever bytes it is given."""
    return parse_lines(read_lines(data, filename))


def read_document(data: bytes, filename: str) -> tuple[DraftAppeal, tuple[str, ...]]:
    """The appeal in a file, and the file's lines: the first is the one that warnings call 1. Raises DocumentError."""
    lines = read_lines(data, filename)
    draft = parse_lines(lines)
    texts = {line.number: line.text for line in lines}
    return draft, tuple(texts.get(number, "") for number in range(1, max(texts, default=0) + 1))


def parse_text(text: str) -> DraftAppeal:
    """The appeal in a text. Raises DocumentError where it holds none or several."""
    return parse_lines(normalise(text))
