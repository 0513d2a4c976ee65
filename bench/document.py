"""The CPU time for reading documents, beside markdown-it-py on the same text: `python -m bench document`.

CPU time depends little on how busy the machine is. Time and memory must not grow faster than the input.
"""

from __future__ import annotations

import gc
import resource
import statistics
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from markdown_it import MarkdownIt

from bench.support.report import Row
from campaign.document import DocumentError, parse_document
from campaign.document.formats.subprocess_reader import read_in_subprocess
from campaign.document.parser import parse_lines
from campaign.document.text.lines import MAX_CHARACTERS, MAX_LINES
from campaign.document.text.quoting import split_lines
from tests.document.support import builders, files
from tests.document.support.forms import NEW, typeset
from tests.document.support.hostile_texts import PLACES, UNITS, hostile_text

MB = 2**20
ROUNDS = 31
SMALL = 64 * 1024
MAX_MARKDOWN_RATIO = 10.0  # times markdown-it-py
PROCESSES = 7
MAX_SUBPROCESS_RATIO = 4.0  # times the start of the process that reads a file
MAX_GROWTH = 1.6  # times the CPU time or memory for each byte, from the smallest to the largest
SIZES = (48_000, 96_000, 192_000, 384_000)  # characters; longer documents are refused
MAX_SECONDS = 10.0  # for a file of 2 MB, whatever is in it


def cpu_seconds(task: Callable[[], object]) -> float:
    """Return the seconds of CPU time of one run, in this process and in those that it starts."""
    start = _cpu_time()
    task()
    return _cpu_time() - start


def _cpu_time() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def read_document(text: str) -> None:
    with suppress(DocumentError):
        parse_document(text.encode()[: 2 * MB], "case.md")


def parse(text: str) -> None:
    """Parse a text in this process, whatever its length."""
    with suppress(DocumentError):
        parse_lines(split_lines(text))


def repeat_to(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def document_of(size: int) -> str:
    """Return a real case with a background of that many characters."""
    paragraph = (
        "The upper valley has lived from *weaving* for generations, and nobody knows what the dam will bring.\n\n"
    )
    return NEW.replace("The upper valley", repeat_to(paragraph, size - len(NEW)) + "\n\nThe upper valley", 1)


def compare_with_markdown() -> Row:
    """Compare a document of 10 KB with markdown-it-py, in the median of several rounds."""
    text = document_of(10 * 1024)
    markdown = MarkdownIt("commonmark")
    read_document(text)
    markdown.render(text)
    pairs = [
        (cpu_seconds(lambda: read_document(text)), cpu_seconds(lambda: markdown.render(text))) for _ in range(ROUNDS)
    ]
    milliseconds, markdown_milliseconds = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    ratio = statistics.median(own / markdown_time for own, markdown_time in pairs)
    return Row(
        "-",
        "10 KB beside markdown-it-py",
        milliseconds,
        markdown_milliseconds,
        "ms",
        ratio,
        MAX_MARKDOWN_RATIO,
        is_ceiling=True,
    )


def subprocess_cost() -> list[Row]:
    """Compare the CPU time of an upload that is read with that of a file which the same process refuses at once."""
    rows: list[Row] = []
    made = (("pdf", typeset(NEW)), ("docx", builders.docx(NEW)), ("odt", files.odt(NEW)), ("rtf", files.rtf(NEW)))
    for form, data in (*made, ("html", files.html(NEW))):
        refused_seconds = statistics.median(_subprocess_seconds(form, data[:64]) for _ in range(PROCESSES))
        read_seconds = statistics.median(_subprocess_seconds(form, data) for _ in range(PROCESSES))
        name = f"an Urgent Action as {form}, beside one refused"
        rows.append(
            Row(
                "-",
                name,
                read_seconds,
                refused_seconds,
                "s",
                read_seconds / refused_seconds,
                MAX_SUBPROCESS_RATIO,
                is_ceiling=True,
            )
        )
    return rows


def _subprocess_seconds(form: str, data: bytes) -> float:
    """Return the seconds of CPU time of the process that reads the file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with suppress(DocumentError):
        read_in_subprocess(form, data, "case")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def growth_by_size() -> list[Row]:
    """Return CPU time and memory for each character of cases of several lengths, beside those of the shortest."""
    rows: list[Row] = []
    first: tuple[float, float] | None = None
    for size in SIZES:
        text = document_of(size)
        seconds = min(cpu_seconds(partial(parse, text)) for _ in range(3))
        tracemalloc.start()
        parse(text)
        peak = tracemalloc.get_traced_memory()[1] / MB
        tracemalloc.stop()
        first = first or (seconds / size, peak / size)
        for what, unit, value, before in (("time", "s", seconds, first[0]), ("memory", "MB", peak, first[1])):
            name = f"{what} of {size:,} characters"
            rows.append(Row("-", name, value, before * size, unit, value / size / before, MAX_GROWTH, is_ceiling=True))
    return rows


def hostile_texts() -> list[Row]:
    """Measure the hostile texts whose time for each byte grows most over a factor of four."""
    measured = []
    for place in PLACES:
        for name in UNITS:
            small, large = (
                cpu_seconds(partial(parse, hostile_text(place, name, size))) for size in (SMALL // 4, SMALL)
            )
            measured.append((large / max(small, 0.02) / 4, large, small, f"{name} {place}"))
    measured.sort(key=lambda measurement: -measurement[0])
    return [
        Row("-", f"{name}, {SMALL // 1024} KB", large, small * 4, "s", grown, MAX_GROWTH, is_ceiling=True)
        for grown, large, small, name in measured[:5]
    ]


def hostile_files() -> list[Row]:
    """Measure the slowest hostile files: of 2 MB, and of the most characters and lines that are read."""
    measured: list[tuple[float, str]] = []
    for place in PLACES:
        for name in UNITS:
            text = hostile_text(place, name, MAX_CHARACTERS)
            most = "\n".join(text.split("\n")[:MAX_LINES])
            measured.append((cpu_seconds(partial(read_document, most)), f"{name} {place}, as long as is read"))
            whole = hostile_text(place, name, 2 * MB)
            measured.append((cpu_seconds(partial(read_document, whole)), f"{name} {place}, 2 MB"))
    return [
        Row("-", name, seconds, MAX_SECONDS, "s", seconds / MAX_SECONDS, 1.0, is_ceiling=True)
        for seconds, name in sorted(measured, reverse=True)[:5]
    ]


def measure_suite() -> list[Row]:
    """Return the rows of this suite."""
    # Without this, the collector would traverse objects of earlier suites during the measurement.
    gc.collect()
    gc.freeze()
    return [compare_with_markdown(), *subprocess_cost(), *growth_by_size(), *hostile_texts(), *hostile_files()]
