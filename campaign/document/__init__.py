"""Urgent Action documents, as an organisation issued them, become a `DraftAppeal` plus warnings.

`reader` turns a file into lines, `labels` says what the templates call their blocks, `parser` puts the
lines in place. Knows no framework and no database.
"""

from __future__ import annotations

from .draft import DraftAppeal, DraftLetter, DraftPerson, DraftTarget, DraftWarning
from .errors import DocumentError
from .parser import parse_lines
from .quoting import normalise
from .reader import LIMIT, read_lines

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
    "read_lines",
]


def parse_document(data: bytes, filename: str) -> DraftAppeal:
    """The appeal in a file. Raises DocumentError, and nothing else, for whatever bytes it is given."""
    return parse_lines(read_lines(data, filename))


def parse_text(text: str) -> DraftAppeal:
    """The appeal in a text. Raises DocumentError where it holds none or several."""
    return parse_lines(normalise(text))
