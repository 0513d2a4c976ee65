"""The reading of a file as a draft: of the readings of a mail, the one that holds the appeal.

A web process parses short documents itself, and leaves longer ones to a process with limits, because some texts of
that length take seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec

from campaign.document.draft import DraftAppeal
from campaign.document.errors import DocumentError
from campaign.document.formats.reader import Reading, readings
from campaign.document.formats.subprocess_reader import run_limited
from campaign.document.parser import parse_lines
from campaign.document.text.lines import Line

# The refusal that says most, where no reading of a file is an appeal.
_TELLING_CODES = ("encrypted", "no-text", "unreadable", "too-large", "no-urgent-action", "not-supported", "empty")
# What this process parses itself: less than a second and 50 MB, whatever the text. An Urgent Action has 300 lines and
# 20,000 characters.
MAX_LINES_HERE = 1000
MAX_CHARACTERS_HERE = 64_000
MAX_PARSER_SECONDS = 10  # of processor time, for longer texts
_Result = tuple[DraftAppeal, tuple[str, ...]]


class ParserAnswer(msgspec.Struct):
    """The answer of the process that parses long documents: the draft, or a refusal with its code."""

    draft: DraftAppeal | None = None
    code: str = ""
    message: str = ""


def read_document(data: bytes, filename: str) -> _Result:
    """Return the appeal in a file, and the lines of the file, which warnings number from 1. Raises DocumentError."""
    return _best_result(readings(data, filename))


def _best_result(candidates: Iterable[Reading]) -> _Result:
    """Return the first appeal with a target, else the first appeal.

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
    lines = list(reading.lines)
    is_short = len(lines) <= MAX_LINES_HERE and sum(len(line.text) for line in lines) <= MAX_CHARACTERS_HERE
    return parse_lines(lines) if is_short else parse_in_subprocess(lines), _texts(lines)


def parse_in_subprocess(lines: list[Line], seconds: int = MAX_PARSER_SECONDS) -> DraftAppeal:
    """Return the appeal in these lines, parsed in a process with limits of processor time and memory.

    Raises DocumentError, with the code `too-large` beyond the limits.
    """
    command = [sys.executable, "-m", "campaign.document.parser_process", str(seconds)]
    advice = "leave out what is not the Urgent Action"
    written = run_limited(command, msgspec.json.encode(lines), "the document", advice=advice)
    answer = msgspec.json.decode(written, type=ParserAnswer)
    if answer.draft is None:
        raise DocumentError(answer.code, answer.message)
    return answer.draft


def _texts(lines: Iterable[Line]) -> tuple[str, ...]:
    """Return the text of each line number, from 1."""
    texts = {line.number: line.text for line in lines}
    return tuple(texts.get(number, "") for number in range(1, max(texts, default=0) + 1))
