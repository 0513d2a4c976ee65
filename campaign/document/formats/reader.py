"""A file becomes lines of text with Markdown emphasis, whatever format it came in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath

from campaign.document.errors import DocumentError
from campaign.document.formats.encoding import decode
from campaign.document.formats.subprocess_reader import read_apart
from campaign.document.text.lines import MOST_CHARACTERS, MOST_LINES, Line
from campaign.document.text.quoting import normalise, visible

LIMIT = 2 * 1024 * 1024  # bytes
_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|\?xml)\b", re.IGNORECASE)


def read_lines(data: bytes, filename: str) -> list[Line]:
    """The lines of the document, numbered from 1 as warnings number them.

    Raises DocumentError where the file is empty, above 2 MB, 10,000 lines or 400,000 characters, or in no format that
    is understood.
    """
    name = _name(filename)
    if not data.strip():
        raise DocumentError("empty", f"{name} is empty")
    if len(data) > LIMIT:
        raise DocumentError("too-large", f"{name} is larger than 2 MB")
    if data.lstrip()[:5] == b"%PDF-":
        lines = read_apart("pdf", data, name)
    elif data[:4] == b"PK\x03\x04":
        lines = read_apart("docx", data, name)
    elif data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise DocumentError("encrypted", f"{name} is encrypted; save it without a password")
        raise DocumentError("not-supported", f"{name} is in the old Word format; save it as DOCX")
    elif data[:5] == b"{\\rtf":
        raise DocumentError("not-supported", f"{name} is in RTF; save it as DOCX")
    elif _PAGE.match(data[:400]):
        raise DocumentError("not-supported", f"{name} is a web page; save its text")
    else:
        return _filled(normalise(decode(data, name)), name)
    return _filled([replace(line, text=visible(line.text)) for line in lines], name)


def _filled(lines: list[Line], name: str) -> list[Line]:
    written = sum(not line.is_blank for line in lines)
    if written > MOST_LINES or sum(len(line.text) for line in lines) > MOST_CHARACTERS:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    if all(line.is_blank for line in lines):
        raise DocumentError("empty", f"{name} holds no text")
    return lines


def _name(filename: str) -> str:
    """The file's name as one line that a message can hold."""
    bare = PurePath(filename.replace("\x00", "")).name or "the document"
    return "".join(char if char.isprintable() else "?" for char in bare)[:120]
