"""The document that a staff form sends: a file, pasted text, or again the document of a question."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from flask import request

from campaign.document import MAX_FILE_BYTES, DocumentError, DraftAppeal, read_document
from campaign.web.staff.field_errors import error_text

_HTML_START = "\ufeff<!doctype html>"


@dataclass(frozen=True, slots=True)
class Upload:
    """A document as it was sent, with its file name, and the draft and lines that were read from it."""

    draft: DraftAppeal
    lines: tuple[str, ...]
    content: bytes
    name: str

    @property
    def encoded_content(self) -> str:
        """Return the content in base64, for a form that sends the document again."""
        return urlsafe_b64encode(self.content).decode("ascii")


def read_upload() -> Upload | str:
    """Return the sent document, or the error message for it. A file precedes a text."""
    try:
        file = request.files.get("document")
        if file is not None and file.filename:
            with file.stream as stream:
                return _read(stream.read(MAX_FILE_BYTES + 1), file.filename)
        if request.form.get("content"):
            return _read_again(request.form["content"], request.form.get("name", ""))
        if pasted_text().strip():
            return _read_pasted()
    except DocumentError as error:
        return str(error_text("document", error.code))
    return str(error_text("document", "missing"))


def pasted_text() -> str:
    """Return the pasted text, which the form shows again beside its error message."""
    return request.form.get("pasted", "")


def _read(content: bytes, name: str) -> Upload:
    """Return the document of a file. Raises DocumentError."""
    return Upload(*read_document(content, name), content, name)


def _read_again(encoded: str, name: str) -> Upload | str:
    """Return the document that a question's form sends again. Raises DocumentError."""
    try:
        return _read(urlsafe_b64decode(encoded.encode()), name)
    except binascii.Error:
        return str(error_text("document", "unreadable"))


def _read_pasted() -> Upload:
    """Return the document of the pasted HTML, or of the text if there is no HTML or no appeal in it.

    Raises DocumentError.
    """
    html = request.form.get("pasted_html", "")
    if html.strip():
        try:
            return _read(f"{_HTML_START}{html}".encode("utf-8", "replace"), "pasted.html")
        except DocumentError as error:
            if error.code == "several-urgent-actions":
                raise
    return _read(pasted_text().encode("utf-8", "replace"), "pasted.txt")
