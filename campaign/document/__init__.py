"""Reading of Urgent Action documents: a file becomes a `DraftAppeal` with warnings.

`reading` is the way in: `formats` turns a file into lines, `labels` has the words with which the templates name their
blocks, and `parser` assigns the lines to fields. The package uses no web framework and no database.
"""

from __future__ import annotations

from campaign.document.draft import DraftAppeal, DraftLetter, DraftPerson, DraftTarget, DraftWarning
from campaign.document.errors import DocumentError
from campaign.document.formats.reader import MAX_FILE_BYTES, read_lines
from campaign.document.parser import parse_lines
from campaign.document.reading import read_document
from campaign.document.text.quoting import split_lines

__all__ = [
    "MAX_FILE_BYTES",
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
    """Return the appeal in a file. Raises DocumentError for every file that cannot be read, and no other exception."""
    return read_document(data, filename)[0]


def parse_text(text: str) -> DraftAppeal:
    """Return the appeal in a text. Raises DocumentError if it holds no appeal or several."""
    return parse_lines(split_lines(text))
