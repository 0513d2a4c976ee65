"""The process that reads one PDF or Word file from standard input, within bounds that the system keeps.

It writes the lines, or why there are none, to standard output as JSON, and ends with BEYOND where it would need more
memory; where it takes more time, it is killed.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import astuple

from .apart import BEYOND
from .errors import DocumentError
from .pdf import read_pdf
from .word import read_docx

SECONDS = 10  # of the processor
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
    try:
        lines = READERS[form](sys.stdin.buffer.read(), name)
    except DocumentError as error:
        return json.dumps({"code": error.code, "message": error.message})
    return json.dumps({"lines": [astuple(line) for line in lines]})


def _bound(kind: int, most: int) -> None:
    """No more than that, or than what the operator allows already."""
    allowed = resource.getrlimit(kind)[1]
    most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
