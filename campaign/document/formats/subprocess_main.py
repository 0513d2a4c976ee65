"""The process that reads one PDF or Word file from standard input, within bounds of steps, memory and time.

It writes the lines, or why there are none, to standard output as JSON, and ends with BEYOND where it would need more
steps or memory. Where one call into C goes on without asking for memory, no step is counted: the system ends that by
time.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import astuple
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from campaign.document.errors import DocumentError
from campaign.document.formats.pdf import read_pdf
from campaign.document.formats.subprocess_reader import BEYOND
from campaign.document.formats.word import read_docx
from campaign.document.text.lines import MOST_CHARACTERS

if TYPE_CHECKING:
    from _typeshed import TraceFunction

# Lines of Python that run, and calls and returns: equally many on every machine, however busy it is. A loop without
# calls is lines too. An Urgent Action takes one to two million.
STEPS = 10_000_000
# What is copied with each piece that is added to it takes few steps and much memory. So a page of memory that is asked
# for counts as well; `apart` has the system hand out every large piece anew, and not from what was given back.
PAGE = 20  # steps, which take about as long
_OFTEN = 64  # steps between two looks at the pages
# A reader that catches the error of calls too deep would go on uncounted, for counting is a call itself.
DEPTH = 700  # calls, of which an Urgent Action nests forty
_DEEPEST = 3 * DEPTH  # so that counting never meets Python's own bound
SECONDS = 4  # of the processor, for what a single call can be busy with
MEGABYTES = 700  # of addresses; an Urgent Action takes 60 of memory
READERS = {"pdf": read_pdf, "docx": read_docx}
_Result = TypeVar("_Result")


def main() -> None:
    """`python -m campaign.document.formats.subprocess_main pdf|docx NAME`."""
    _bound(resource.RLIMIT_CPU, SECONDS)
    _bound(resource.RLIMIT_AS, MEGABYTES * 2**20)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CORE, 0)
    gc.disable()  # it would look through what grows again and again, and this process ends soon
    logging.disable()  # the readers' warnings quote the file at any length, and whoever started this would hold them
    form, name = sys.argv[1:]
    try:
        sys.stdout.write(_answer(form, name))
    except MemoryError:
        sys.exit(BEYOND)


def _answer(form: str, name: str) -> str:
    data = sys.stdin.buffer.read()
    try:
        lines = counted(lambda: READERS[form](data, name), lambda: os._exit(BEYOND))
    except DocumentError as error:
        return json.dumps({"code": error.code, "message": error.message})
    if sum(len(line.text) for line in lines) > MOST_CHARACTERS:  # which whoever waits would have to hold
        sys.exit(BEYOND)
    return json.dumps({"lines": [astuple(line) for line in lines]})


def counted(task: Callable[[], _Result], end: Callable[[], None], most: int = STEPS) -> _Result:
    """Run the task; call `end` after so many steps, or where calls nest deeper than DEPTH.

    `end` has to end the process: an exception would be caught by what reads damaged files.
    """
    left, depth, pages = most, 0, _pages()
    mark = left - _OFTEN

    def look() -> None:
        nonlocal left, mark, pages
        before, pages = pages, _pages()
        left -= PAGE * (pages - before)
        mark = left - _OFTEN
        if left < 0:
            end()

    def called(_frame: FrameType, _event: str, _argument: object) -> TraceFunction:
        nonlocal left, depth
        left -= 1
        depth += 1
        if depth > DEPTH:
            end()
        return ran

    def ran(_frame: FrameType, event: str, _argument: object) -> TraceFunction:
        nonlocal left, depth
        left -= 1
        if event == "return":
            depth -= 1
        if left < mark:
            look()
        return ran

    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEPEST)
    sys.settrace(called)
    try:
        return task()
    finally:
        sys.settrace(None)
        sys.setrecursionlimit(usual)


def _pages() -> int:
    """Return how many pages of memory the system has handed to this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _bound(kind: int, most: int) -> None:
    """No more than that, or than what the operator allows already."""
    allowed = resource.getrlimit(kind)[1]
    most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
