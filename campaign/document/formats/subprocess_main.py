"""The process that reads one file from standard input, with limits on steps, memory and time.

It writes the lines, or the reason why there are none, to standard output as JSON. Beyond its limits it exits with
OVER_LIMIT. A long call into C that allocates no memory counts no steps; the operating system ends it by its limit of
processor time.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import sys
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import msgspec

from campaign.document.errors import DocumentError
from campaign.document.formats.limits import set_limits
from campaign.document.formats.mail import split_mail
from campaign.document.formats.subprocess_reader import OVER_LIMIT, ReaderAnswer
from campaign.document.text.lines import MAX_CHARACTERS, Line

if TYPE_CHECKING:
    from _typeshed import TraceFunction

# A step is a line of Python, a call or a return. Their number is the same on every machine, however busy it is. An
# Urgent Action takes one to two million.
MAX_STEPS = 10_000_000
# Copying a growing value for each piece that is added takes few steps and much memory. So each new page of memory
# counts as steps; `reader_environment` makes the system allocate large pieces anew instead of reusing freed ones.
STEPS_PER_PAGE = 20  # they take about as long as the allocation of one page
_CHECK_INTERVAL = 64  # steps between two readings of the number of pages
MAX_DEPTH = 700  # nested calls; an Urgent Action needs forty
# Counting is a call itself. If it reached Python's own limit, code that catches RecursionError would go on uncounted.
_RECURSION_LIMIT = 3 * MAX_DEPTH
MAX_SECONDS = 4  # of processor time, for a single long call
# The function that reads each format, in a module that is imported only for it: each needs a library of its own.
_READERS = {"pdf": "pdf.read_pdf", "docx": "word.read_docx", "odt": "odt.read_odt", "rtf": "rtf.read_rtf",
            "html": "html.read_html"}  # fmt: skip
_Result = TypeVar("_Result")


def main() -> None:
    """Run `python -m campaign.document.formats.subprocess_main FORMAT NAME`."""
    set_limits(MAX_SECONDS)
    gc.disable()  # it would scan the growing data repeatedly, and this process ends soon
    logging.disable()  # the libraries' warnings quote the file, and the parent process would buffer them
    file_format, name = sys.argv[1:]
    try:
        sys.stdout.buffer.write(_read_to_json(file_format, name))
    except MemoryError:
        sys.exit(OVER_LIMIT)


def reader_of(file_format: str) -> Callable[[bytes, str], list[Line]]:
    """Return the function that returns the lines of a file of this format."""
    module, _, function = _READERS[file_format].partition(".")
    reader: Callable[[bytes, str], list[Line]] = getattr(import_module(f"campaign.document.formats.{module}"), function)
    return reader


def _read_to_json(file_format: str, name: str) -> bytes:
    """Return as JSON the lines of the file on standard input, or the parts of the mail there, or the refusal."""
    data = sys.stdin.buffer.read()
    try:
        if file_format == "mail":
            answer = ReaderAnswer(mail=_run_counted(lambda: split_mail(data, name)))
        else:
            reader = reader_of(file_format)
            answer = ReaderAnswer(lines=tuple(_run_counted(lambda: reader(data, name))))
    except DocumentError as error:
        answer = ReaderAnswer(code=error.code, message=error.message)
    if sum(len(line.text) for line in answer.lines) > MAX_CHARACTERS:  # the parent process would buffer it
        sys.exit(OVER_LIMIT)
    return msgspec.json.encode(answer)


def _run_counted(task: Callable[[], _Result]) -> _Result:
    return run_counted(task, lambda: os._exit(OVER_LIMIT))


def run_counted(task: Callable[[], _Result], stop: Callable[[], None], max_steps: int = MAX_STEPS) -> _Result:
    """Return the result of the task. Call `stop` after `max_steps` steps, or when calls nest deeper than DEPTH.

    `stop` has to end the process: code that reads damaged files would catch an exception.
    """
    remaining_steps, depth, page_count = max_steps, 0, _count_pages()
    next_check = remaining_steps - _CHECK_INTERVAL

    def check_pages() -> None:
        nonlocal remaining_steps, next_check, page_count
        previous, page_count = page_count, _count_pages()
        remaining_steps -= STEPS_PER_PAGE * (page_count - previous)
        next_check = remaining_steps - _CHECK_INTERVAL
        if remaining_steps < 0:
            stop()

    def on_call(_frame: FrameType, _event: str, _argument: object) -> TraceFunction:
        nonlocal remaining_steps, depth
        remaining_steps -= 1
        depth += 1
        if depth > MAX_DEPTH:
            stop()
        return on_line

    def on_line(_frame: FrameType, event: str, _argument: object) -> TraceFunction:
        nonlocal remaining_steps, depth
        remaining_steps -= 1
        if event == "return":
            depth -= 1
        if remaining_steps < next_check:
            check_pages()
        return on_line

    original_limit = sys.getrecursionlimit()
    sys.setrecursionlimit(_RECURSION_LIMIT)
    sys.settrace(on_call)
    try:
        return task()
    finally:
        sys.settrace(None)
        sys.setrecursionlimit(original_limit)


def _count_pages() -> int:
    """Return the number of memory pages that the system has given to this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if __name__ == "__main__":
    main()
