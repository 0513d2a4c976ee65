"""The reading of a file as a draft: of the readings of a mail, the one that holds the appeal."""

from __future__ import annotations

from collections.abc import Iterable

from campaign.document.draft import DraftAppeal
from campaign.document.errors import DocumentError
from campaign.document.formats.reader import Reading, readings
from campaign.document.parser import parse_lines
from campaign.document.text.lines import Line

# The refusal that says most, where no reading of a file is an appeal.
_TELLING_CODES = ("encrypted", "no-text", "unreadable", "too-large", "no-urgent-action", "not-supported", "empty")
_Result = tuple[DraftAppeal, tuple[str, ...]]


def read_document(data: bytes, filename: str) -> _Result:
    """Return the appeal in a file, and the lines of the file, which warnings number from 1. Raises DocumentError."""
    return _best_result(readings(data, filename))


def _best_result(candidates: Iterable[Reading]) -> _Result:
    """Return the first appeal with somebody to write to, else the first appeal.

    A mail that only announces an appeal may look like one; the attachment then names the targets. Raises the
    DocumentError that says most if there is no appeal.
    """
    errors: list[DocumentError] = []
    found: _Result | None = None
    for reading in candidates:
        try:
            result = _parsed(reading)
        except DocumentError as error:
            if error.code == "several-urgent-actions" and found is None:
                raise
            errors.append(error)
            continue
        if result[0].targets:
            return result
        found = found or result
    if found is not None:
        return found
    raise min(errors, key=lambda error: _TELLING_CODES.index(error.code))


def _parsed(reading: Reading) -> _Result:
    """Return the appeal of one reading and its lines. Raises DocumentError if it holds none."""
    if reading.error is not None:
        raise reading.error
    return parse_lines(list(reading.lines)), _texts(reading.lines)


def _texts(lines: Iterable[Line]) -> tuple[str, ...]:
    """Return the text of each line number, from 1."""
    texts = {line.number: line.text for line in lines}
    return tuple(texts.get(number, "") for number in range(1, max(texts, default=0) + 1))
