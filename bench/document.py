"""The CPU time for reading documents, beside markdown-it-py on the same text: `python -m bench document`.

CPU time depends little on how busy the machine is. Time and memory must not grow faster than the input.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from markdown_it import MarkdownIt

from bench.support.report import Row
from campaign.document import DocumentError, parse_document
from campaign.document.formats.subprocess_reader import read_in_subprocess
from tests.document.support import builders
from tests.document.support.forms import NEW, typeset

MB = 2**20
ROUNDS = 31
SMALL = 64 * 1024
MAX_MARKDOWN_RATIO = 10.0  # times markdown-it-py
PROCESSES = 7
MAX_SUBPROCESS_RATIO = 4.0  # times the start of the process that reads a file
MAX_GROWTH = 1.6  # times the CPU time or memory for each byte, from the smallest to the largest
SIZES = (MB // 4, MB // 2, MB, 2 * MB)
HOSTILE = {
    "labels": "TAKE ACTION:\n",
    "label words": "PLEASE SEND APPEALS BEFORE ",
    "short blocks": "Name: A B (he)\nDeadline: 12 May 2026\nFax: 1234567\n",
    "colons": ":",
    "lines of a colon": ":\n",
    "stars": "*",
    "words behind stars": "*a ",
    "brackets": "(",
    "links": "[a](",
    "images": "![a](b)",
    "one long word": "a",
    "short lines": "a\n",
    "deep quotes": ">",
    "lines of quotes": ">>>>>> a\n",
    "digits": "1",
    "numbers": "12/22 ",
    "dates": "12 May 2026 ",
    "at signs": "@",
    "addresses": "a@b.example, ",
    "spaces": " ",
    "words and spaces": "a" + " " * 60,
    "tabs": "\t",
    "tags": "<a ",
    "scripts": "<script>",
    "references": "UA 12/22 ",
    "lines of references": "UA 12/22\n",
    "indexes": "EUR 57/",
    "salutations": "Dear Sir,\n",
    "closings": "Yours sincerely, ",
    "bullets": "- a\n",
    "contacts": "Fax: +1 (",
    "roles": "Minister\n",
    "placeholders": "[NAME] ",
    "hyphens": "a-\n",
    "wrapped lines": "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod\n",
}
PLACES = {
    "alone": "{}",
    "in the summary": NEW.replace("{", "").replace("**Rosa Telar", "{} Rosa Telar", 1),
    "in the address": NEW.replace("Carrera 8", "{}", 1),
    "in the letter": NEW.replace("I write because", "{}", 1),
    "in the background": NEW.replace("The upper valley", "{}", 1),
    "in the name": NEW.replace("Rosa Telar Muestra (she/her)", "{}", 1),
}


def cpu_seconds(task: Callable[[], object]) -> float:
    """Return the seconds of CPU time of one run."""
    start = time.process_time()
    task()
    return time.process_time() - start


def read_document(text: str) -> None:
    with suppress(DocumentError):
        parse_document(text.encode()[: 2 * MB], "case.md")


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
    for form, data in (("pdf", typeset(NEW)), ("docx", builders.docx(NEW))):
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
    """Return CPU time and memory for each byte of cases of several megabytes, beside those of the smallest."""
    rows: list[Row] = []
    first: tuple[float, float] | None = None
    for size in SIZES:
        text = document_of(size)
        seconds = min(cpu_seconds(partial(read_document, text)) for _ in range(3))
        tracemalloc.start()
        read_document(text)
        peak = tracemalloc.get_traced_memory()[1] / MB
        tracemalloc.stop()
        first = first or (seconds / size, peak / size)
        for what, unit, value, before in (("time", "s", seconds, first[0]), ("memory", "MB", peak, first[1])):
            name = f"{what} of {size / MB:g} MB"
            rows.append(Row("-", name, value, before * size, unit, value / size / before, MAX_GROWTH, is_ceiling=True))
    return rows


def hostile_texts() -> list[Row]:
    """Measure the hostile texts whose time for each byte grows most over a factor of four, and the worst at 2 MB."""
    measured = []
    for bench_site, frame in PLACES.items():
        for name, unit in HOSTILE.items():
            small, large = (_seconds(frame, unit, size) for size in (SMALL // 4, SMALL))
            measured.append((large / max(small, 0.02) / 4, large, small, f"{name} {bench_site}", frame, unit))
    measured.sort(key=lambda measurement: -measurement[0])
    rows = [
        Row("-", f"{name}, {SMALL // 1024} KB", large, small * 4, "s", grown, MAX_GROWTH, is_ceiling=True)
        for grown, large, small, name, _, _ in measured[:5]
    ]
    slowest = sorted(measured, key=lambda measurement: -measurement[1])[:2]
    for _, large, _, name, frame, unit in dict.fromkeys([*measured[:2], *slowest]):
        times = 2 * MB // SMALL
        seconds = _seconds(frame, unit, 2 * MB)
        rows.append(
            Row("-", f"{name}, 2 MB", seconds, large * times, "s", seconds / times / large, MAX_GROWTH, is_ceiling=True)
        )
    return rows


def _seconds(frame: str, unit: str, size: int) -> float:
    before, after = frame.split("{}")
    text = before + repeat_to(unit, size - len(frame)) + after
    return cpu_seconds(lambda: read_document(text))


def measure_suite() -> list[Row]:
    """Return the rows of this suite."""
    # Without this, the collector would traverse objects of earlier suites during the measurement.
    gc.collect()
    gc.freeze()
    return [compare_with_markdown(), *subprocess_cost(), *growth_by_size(), *hostile_texts()]
