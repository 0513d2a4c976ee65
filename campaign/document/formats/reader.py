"""Reading of a file of any supported format as lines of text with Markdown emphasis."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath

from campaign.document.errors import DocumentError
from campaign.document.formats.encoding import decode
from campaign.document.formats.subprocess_reader import read_in_subprocess
from campaign.document.text.characters import clean
from campaign.document.text.lines import MAX_CHARACTERS, MAX_LINES, Line
from campaign.document.text.quoting import split_lines

MAX_FILE_BYTES = 2 * 1024 * 1024  # bytes
_WEB_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|\?xml)\b", re.IGNORECASE)


def read_lines(data: bytes, filename: str) -> list[Line]:
    """Return the lines of the document, numbered from 1 as in warnings.

    Raises DocumentError if the file is empty, above 2 MB, 10,000 lines or 400,000 characters, or in no supported
    format.
    """
    name = _printable_name(filename)
    if not data.strip():
        raise DocumentError("empty", f"{name} is empty")
    if len(data) > MAX_FILE_BYTES:
        raise DocumentError("too-large", f"{name} is larger than 2 MB")
    if data.lstrip()[:5] == b"%PDF-":
        lines = read_in_subprocess("pdf", data, name)
    elif data[:4] == b"PK\x03\x04":
        lines = read_in_subprocess("docx", data, name)
    elif data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise DocumentError("encrypted", f"{name} is encrypted; save it without a password")
        raise DocumentError("not-supported", f"{name} is in the old Word format; save it as DOCX")
    elif data[:5] == b"{\\rtf":
        raise DocumentError("not-supported", f"{name} is in RTF; save it as DOCX")
    elif _WEB_PAGE.match(data[:400]):
        raise DocumentError("not-supported", f"{name} is a web page; save its text")
    else:
        return _check_amount(split_lines(decode(data, name)), name)
    return _check_amount([replace(line, text=clean(line.text)) for line in lines], name)


def _check_amount(lines: list[Line], name: str) -> list[Line]:
    """Return the lines. Raises DocumentError if there is no text or too much."""
    line_count = sum(not line.is_blank for line in lines)
    if line_count > MAX_LINES or sum(len(line.text) for line in lines) > MAX_CHARACTERS:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    if all(line.is_blank for line in lines):
        raise DocumentError("empty", f"{name} holds no text")
    return lines


def _printable_name(filename: str) -> str:
    """Return the file's name as one printable line for messages."""
    base_name = PurePath(filename.replace("\x00", "")).name or "the document"
    return "".join(char if char.isprintable() else "?" for char in base_name)[:120]
