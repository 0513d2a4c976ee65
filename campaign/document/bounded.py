"""The process that reads one PDF or Word file from standard input, within bounds of steps, memory and time.

It writes the lines, or why there are none, to standard output as JSON, and ends with BEYOND where it would need more
steps or memory; where it takes more time all the same, the system kills it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import astuple
from types import FrameType

from pdfminer.psparser import PSBaseParser

from .apart import BEYOND
from .errors import DocumentError
from .pdf import read_pdf
from .word import read_docx

# Calls and returns of functions, counted by the interpreter: equally many on every machine, however busy it is. An
# Urgent Action takes less than a million, and a book of sixty pages eight.
STEPS = 10_000_000
# What a string of a PDF is read into is copied with each piece: so many bytes take about as long as a step.
COPIED = 1024
# In these the copying is done; each has the parser as its first argument.
_COPYING = {made.__code__ for name, made in vars(PSBaseParser).items() if name.startswith("_parse_")}
SECONDS = 4  # of the processor, for what a single call can be busy with
MEGABYTES = 700  # of addresses; an Urgent Action takes 60 of memory
READERS = {"pdf": read_pdf, "docx": read_docx}


def main() -> None:
    """`python -m campaign.document.bounded pdf|docx NAME`."""
    _bound(resource.RLIMIT_CPU, SECONDS)
    _bound(resource.RLIMIT_AS, MEGABYTES * 2**20)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CORE, 0)
    form, name = sys.argv[1:]
    try:
        sys.stdout.write(_answer(form, name))
    except MemoryError:
        sys.exit(BEYOND)


def _answer(form: str, name: str) -> str:
    data = sys.stdin.buffer.read()
    _bound_steps(STEPS)
    try:
        lines = READERS[form](data, name)
    except DocumentError as error:
        return json.dumps({"code": error.code, "message": error.message})
    finally:
        sys.setprofile(None)
    return json.dumps({"lines": [astuple(line) for line in lines]})


def _bound_steps(most: int) -> None:
    """End the process after so many calls and returns. An exception would be caught by what reads damaged files."""
    left = most

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal left
        left -= 1
        if event == "call" and frame.f_code in _COPYING:
            left -= len(frame.f_locals["self"]._curtoken) // COPIED
        if left < 0:
            os._exit(BEYOND)

    sys.setprofile(count)


def _bound(kind: int, most: int) -> None:
    """No more than that, or than what the operator allows already."""
    allowed = resource.getrlimit(kind)[1]
    most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
