"""python -m bench.document: how long documents take to read, beside markdown-it-py on the same text in the same run.

Steps are counted in CPU time, so that a busy machine changes little. A text four times as long may take five times as
long, the hostile ones too: nothing grows faster than its input.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

from markdown_it import MarkdownIt

from campaign.document import DocumentError, parse_document
from tests.document.forms import NEW

MB = 2**20
ROUNDS = 31
RATIO = 10.0  # times markdown-it-py
GROWTH = 1.6  # times the CPU time or memory for each byte, from the smallest to the largest
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


def cpu(task: Callable[[], object]) -> float:
    """Seconds of CPU time for one run."""
    start = time.process_time()
    task()
    return time.process_time() - start


def read(text: str) -> None:
    with suppress(DocumentError):
        parse_document(text.encode()[: 2 * MB], "case.md")


def repeated(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def long(size: int) -> str:
    """A real case whose background is so long."""
    paragraph = (
        "The upper valley has lived from *weaving* for generations, and nobody knows what the dam will bring.\n\n"
    )
    return NEW.replace("The upper valley", repeated(paragraph, size - len(NEW)) + "\n\nThe upper valley", 1)


def compared() -> float:
    """How many times as long as markdown-it-py a document of 10 KB takes, in the median of several rounds."""
    text = long(10 * 1024)
    markdown = MarkdownIt("commonmark")
    read(text)
    markdown.render(text)
    pairs = [(cpu(lambda: read(text)), cpu(lambda: markdown.render(text))) for _ in range(ROUNDS)]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def growth() -> tuple[float, float, list[str]]:
    """CPU time and memory for each byte of the largest document as multiples of the smallest one's, and the figures."""
    times: list[float] = []
    peaks: list[float] = []
    rows: list[str] = []
    for size in SIZES:
        text = long(size)
        times.append(min(cpu(lambda: read(text)) for _ in range(3)) / size)  # noqa: B023
        tracemalloc.start()
        read(text)
        peaks.append(tracemalloc.get_traced_memory()[1] / size)
        tracemalloc.stop()
        rows.append(f"{size / MB:5.2f} MB {times[-1] * size:8.2f} s {peaks[-1] * size / MB:8.1f} MB")
    return times[-1] / times[0], peaks[-1] / peaks[0], rows


def hostile(size: int = 2 * MB) -> list[tuple[float, float, str]]:
    """For each hostile text: how its time for each byte grows over a factor of four, its seconds, and its name."""
    found = []
    for place, frame in PLACES.items():
        for name, unit in HOSTILE.items():
            before, after = frame.split("{}")
            texts = [before + repeated(unit, each - len(frame)) + after for each in (size // 4, size)]
            small, large = (cpu(lambda: read(text)) for text in texts)  # noqa: B023
            found.append((large / max(small, 0.05) / 4, large, f"{name} {place}"))
    return sorted(found, reverse=True)


def main() -> None:
    """Prints the figures; status 1 where one is over its limit. `--quick` takes hostile texts of an eighth."""
    ratio = compared()
    print(f"10 KB: {ratio:.1f} times markdown-it-py (limit {RATIO:.0f})")
    time_growth, memory_growth, rows = growth()
    print("\n".join(rows))
    print(f"time for each byte, last/first: {time_growth:.2f} (limit {GROWTH})")
    print(f"memory for each byte, last/first: {memory_growth:.2f} (limit {GROWTH})")
    worst = hostile(MB // 4 if "--quick" in sys.argv else 2 * MB)
    print(f"hostile, {len(worst)} texts, time for each byte at four times the size (limit {GROWTH}):")
    for factor, seconds, name in worst[:12]:
        print(f"{factor:6.2f} {seconds:8.2f} s  {name}")
    slowest = max(worst, key=lambda row: row[1])
    print(f"slowest: {slowest[2]}, {slowest[1]:.1f} s")
    if ratio > RATIO or max(time_growth, memory_growth, worst[0][0]) > GROWTH:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
