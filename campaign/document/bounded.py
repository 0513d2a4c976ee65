"""The process that reads one PDF or Word file from standard input, within bounds that the system keeps.

It writes the lines, or why there are none, to standard output as JSON; it ends with another status than 0 where the
bounds were too narrow.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import astuple

from .errors import DocumentError
from .pdf import read_pdf
from .word import read_docx

SECONDS = 10  # of the processor
MEGABYTES = 700  # of addresses; an Urgent Action takes 60 of memory
READERS = {"pdf": read_pdf, "docx": read_docx}


def main() -> None:
    """`python -m campaign.document.bounded pdf|docx NAME`."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    form, name = sys.argv[1:]
    read = READERS[form]
    answer: dict[str, object]
    try:
        answer = {"lines": [astuple(line) for line in read(sys.stdin.buffer.read(), name)]}
    except DocumentError as error:
        answer = {"code": error.code, "message": error.message}
    except MemoryError:
        os._exit(1)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
