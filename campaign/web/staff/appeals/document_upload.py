"""The document that a staff form sends: a file, or text that was pasted, with the HTML that the browser copied."""

from __future__ import annotations

from flask import request

from campaign.document import MAX_FILE_BYTES, DocumentError, DraftAppeal, read_document
from campaign.web.staff.field_errors import error_text

_HTML_START = "\ufeff<!doctype html>"


def read_upload() -> tuple[DraftAppeal, tuple[str, ...]] | str:
    """Return the draft and the lines of the sent document, or the error message for it. A file precedes a text."""
    try:
        file = request.files.get("document")
        if file is not None and file.filename:
            with file.stream as stream:
                return read_document(stream.read(MAX_FILE_BYTES + 1), file.filename)
        if pasted_text().strip():
            return _read_pasted()
    except DocumentError as error:
        return str(error_text("document", error.code))
    return str(error_text("document", "missing"))


def pasted_text() -> str:
    """Return the pasted text, which the form shows again beside its error message."""
    return request.form.get("pasted", "")


def _read_pasted() -> tuple[DraftAppeal, tuple[str, ...]]:
    """Return the draft and the lines of the pasted HTML, or of the text if there is no HTML or no appeal in it.

    Raises DocumentError.
    """
    html = request.form.get("pasted_html", "")
    if html.strip():
        try:
            return read_document(f"{_HTML_START}{html}".encode("utf-8", "replace"), "pasted.html")
        except DocumentError as error:
            if error.code == "several-urgent-actions":
                raise
    return read_document(pasted_text().encode("utf-8", "replace"), "pasted.txt")
