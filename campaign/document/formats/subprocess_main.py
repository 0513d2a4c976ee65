"""The process that reads one PDF or Word file from standard input, with limits on steps, memory and time.

It writes the lines, or the reason why there are none, to standard output as JSON. Beyond its limits it exits with
OVER_LIMIT. A long call into C that allocates no memory counts no steps; the operating system ends it by its limit of
processor time.
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
from campaign.document.formats.subprocess_reader import OVER_LIMIT
from campaign.document.formats.word import read_docx
from campaign.document.text.lines import MAX_CHARACTERS

if TYPE_CHECKING:
    from _typeshed import TraceFunction

# Lines of Python, calls and returns: their number is the same on every machine, however busy it is. A loop without
# calls runs lines too. An Urgent Action takes one to two million.
STEPS = 10_000_000
# Copying a growing value for each piece that is added takes few steps and much memory. So each new page of memory
# counts as steps; `reader_environment` makes the system allocate large pieces anew instead of reusing freed ones.
PAGE = 20  # steps, which take about as long as one page
_CHECK_INTERVAL = 64  # steps between two readings of the number of pages
# Code that catches RecursionError would go on uncounted, for counting is a call itself.
DEPTH = 700  # nested calls; an Urgent Action needs forty
_DEEPEST = 3 * DEPTH  # so that counting never reaches Python's own limit
SECONDS = 4  # of processor time, for a single long call
MEGABYTES = 700  # of address space; an Urgent Action takes 60 of memory
READERS = {"pdf": read_pdf, "docx": read_docx}
_Result = TypeVar("_Result")


def main() -> None:
    """Run `python -m campaign.document.formats.subprocess_main pdf|docx NAME`."""
    _set_limit(resource.RLIMIT_CPU, SECONDS)
    _set_limit(resource.RLIMIT_AS, MEGABYTES * 2**20)
    _set_limit(resource.RLIMIT_FSIZE, 0)
    _set_limit(resource.RLIMIT_CORE, 0)
    gc.disable()  # it would scan the growing data repeatedly, and this process ends soon
    logging.disable()  # the libraries' warnings quote the file, and the parent process would buffer them
    form, name = sys.argv[1:]
    try:
        sys.stdout.write(_answer(form, name))
    except MemoryError:
        sys.exit(OVER_LIMIT)


def _answer(form: str, name: str) -> str:
    data = sys.stdin.buffer.read()
    try:
        lines = run_counted(lambda: READERS[form](data, name), lambda: os._exit(OVER_LIMIT))
    except DocumentError as error:
        return json.dumps({"code": error.code, "message": error.message})
    if sum(len(line.text) for line in lines) > MAX_CHARACTERS:  # the parent process would buffer it
        sys.exit(OVER_LIMIT)
    return json.dumps({"lines": [astuple(line) for line in lines]})


def run_counted(task: Callable[[], _Result], end: Callable[[], None], most: int = STEPS) -> _Result:
    """Return the result of the task. Call `end` after `most` steps, or when calls nest deeper than DEPTH.

    `end` has to end the process: code that reads damaged files would catch an exception.
    """
    left, depth, pages = most, 0, _pages()
    next_check = left - _CHECK_INTERVAL

    def check_pages() -> None:
        nonlocal left, next_check, pages
        previous, pages = pages, _pages()
        left -= PAGE * (pages - previous)
        next_check = left - _CHECK_INTERVAL
        if left < 0:
            end()

    def on_call(_frame: FrameType, _event: str, _argument: object) -> TraceFunction:
        nonlocal left, depth
        left -= 1
        depth += 1
        if depth > DEPTH:
            end()
        return on_line

    def on_line(_frame: FrameType, event: str, _argument: object) -> TraceFunction:
        nonlocal left, depth
        left -= 1
        if event == "return":
            depth -= 1
        if left < next_check:
            check_pages()
        return on_line

    original_limit = sys.getrecursionlimit()
    sys.setrecursionlimit(_DEEPEST)
    sys.settrace(on_call)
    try:
        return task()
    finally:
        sys.settrace(None)
        sys.setrecursionlimit(original_limit)


def _pages() -> int:
    """Return the number of memory pages that the system has given to this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _set_limit(kind: int, most: int) -> None:
    """Set a resource limit to `most`, or to the operator's own limit where that is lower."""
    allowed = resource.getrlimit(kind)[1]
    most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
