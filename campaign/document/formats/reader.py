"""Reading of a file of any supported format as lines of text with Markdown emphasis.

The content decides what a file is, never its name. Everything but plain text is read in a process with limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from campaign.document.errors import DocumentError
from campaign.document.formats.encoding import decode
from campaign.document.formats.mail import is_mail
from campaign.document.formats.subprocess_reader import read_in_subprocess, split_in_subprocess
from campaign.document.text.characters import LINE_ENDS, clean
from campaign.document.text.lines import MAX_BLANK_LINES, MAX_CHARACTERS, MAX_LINES, Line
from campaign.document.text.quoting import split_lines

MAX_FILE_BYTES = 2 * 1024 * 1024  # bytes
_SNIFFED = 4096  # bytes at the start of a file that show its format
_MARKED_SPACE = rb"\s*(?:\xef\xbb\xbf)?\s*"
_WEB_PAGE = re.compile(
    _MARKED_SPACE + rb"<(?:!doctype\s+html|html|head|body|meta|!--\s*StartFragment)\b", re.IGNORECASE
)
_XML = re.compile(_MARKED_SPACE + rb"<(?:\?xml|!doctype)\b", re.IGNORECASE)
_HTML_TAG = re.compile(rb"<html\b", re.IGNORECASE)
_OLE_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_MAIL_DEPTH = 2  # of mails inside mails


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a file: its lines, or the reason why there are none.

    A mail has several readings: its HTML, its text and its attachments.
    """

    lines: tuple[Line, ...] = ()
    error: DocumentError | None = None
    is_attachment: bool = False


def read_lines(data: bytes, filename: str) -> list[Line]:
    """Return the lines of the document, numbered from 1 as in warnings; of a mail, those of its first readable part.

    Raises DocumentError if the file is empty, above 2 MB, 10,000 lines or 400,000 characters, or in no supported
    format.
    """
    errors: list[DocumentError] = []
    for reading in readings(data, filename):
        if reading.error is None:
            return list(reading.lines)
        errors.append(reading.error)
    raise errors[0]


def readings(data: bytes, filename: str) -> Iterator[Reading]:
    """Yield the readings of a file, at least one, the most likely one first. Files other than mails have one."""
    yield from _readings(data, _printable_name(filename), depth=0)


def _readings(data: bytes, name: str, *, depth: int) -> Iterator[Reading]:
    """Yield the readings of a file, or of a mail's part, which may be a mail again."""
    try:
        _check_size(data, name)
        if not is_mail(data):
            yield Reading(tuple(_read_file(data, name)))
            return
        mail = split_in_subprocess(data, name)
    except DocumentError as error:
        yield Reading(error=error)
        return
    if not any(not part.is_attachment or depth < _MAX_MAIL_DEPTH for part in mail.parts):
        yield Reading(error=DocumentError("empty", f"{name} holds no text"))
    subject = [Line(0, clean(mail.subject), is_margin=True), Line(0, "")] if mail.subject else []
    for part in mail.parts:
        if part.is_attachment and depth == _MAX_MAIL_DEPTH:
            continue
        part_name = f"{name}: {_printable_name(part.name)}" if part.is_attachment else name
        for reading in _readings(part.data, part_name, depth=depth + 1):
            lines = [*subject, *reading.lines]
            numbered = tuple(replace(line, number=number) for number, line in enumerate(lines, start=1))
            is_attachment = part.is_attachment or reading.is_attachment
            yield replace(reading, lines=numbered if reading.lines else (), is_attachment=is_attachment)


def _check_size(data: bytes, name: str) -> None:
    """Raise DocumentError if the file is empty or larger than 2 MB."""
    if not data.strip():
        raise DocumentError("empty", f"{name} is empty")
    if len(data) > MAX_FILE_BYTES:
        raise DocumentError("too-large", f"{name} is larger than 2 MB")


def _read_file(data: bytes, name: str) -> list[Line]:
    """Return the lines of a file that is no mail. Raises DocumentError."""
    file_format = _format_of(data, name)
    if file_format == "text":
        text = decode(data, name).rstrip()  # blank lines at the end cost nothing
        # Before any line exists: two million of them would take 300 MB.
        _check_size_of_text(len(text), sum(1 for _ in LINE_ENDS.finditer(text)), name)
        return _check_amount(split_lines(text), name)
    lines = read_in_subprocess(file_format, data, name)
    return _check_amount([replace(line, text=clean(line.text)) for line in lines], name)


def _format_of(data: bytes, name: str) -> str:
    """Return the format by the content: `pdf`, `docx`, `odt`, `rtf`, `html` or `text`.

    Raises DocumentError for formats that are not read.
    """
    start = data[:_SNIFFED]
    if start.lstrip()[:5] == b"%PDF-":
        return "pdf"
    if start[:4] == b"PK\x03\x04":
        return "odt" if start[30:38] == b"mimetype" and b"opendocument" in start[:120] else "docx"
    if start[:8] == _OLE_FILE:
        raise _ole_error(data, name)
    if start.lstrip()[:5] == b"{\\rtf":
        return "rtf"
    if _WEB_PAGE.match(start) or (_XML.match(start) and _HTML_TAG.search(start)):
        return "html"
    if _XML.match(start):
        raise DocumentError("not-supported", f"{name} is an XML file; save it as DOCX")
    return "text"


def _ole_error(data: bytes, name: str) -> DocumentError:
    """Return the reason why a file of Microsoft's old container format is not read."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return DocumentError("encrypted", f"{name} is encrypted; save it without a password")
    if "__substg1.0_".encode("utf-16-le") in data:
        return DocumentError("not-supported", f"{name} is in Outlook's own format; save the mail as EML or HTML")
    return DocumentError("not-supported", f"{name} is in the old Word format; save it as DOCX")


def _check_size_of_text(length: int, line_count: int, name: str) -> None:
    """Raise DocumentError if a text has more characters or lines than an Urgent Action can."""
    if length - line_count > MAX_CHARACTERS or line_count > MAX_LINES + MAX_BLANK_LINES:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")


def _check_amount(lines: list[Line], name: str) -> list[Line]:
    """Return the lines. Raises DocumentError if there is no text or too much."""
    _check_size_of_text(sum(len(line.text) + 1 for line in lines), len(lines), name)
    if sum(not line.is_blank for line in lines) > MAX_LINES:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    if all(line.is_blank for line in lines):
        raise DocumentError("empty", f"{name} holds no text")
    return lines


def _printable_name(filename: str) -> str:
    """Return the file's name as one printable line for messages."""
    base_name = PurePath(filename.replace("\x00", "")).name or "the document"
    return "".join(char if char.isprintable() else "?" for char in base_name)[:120]
