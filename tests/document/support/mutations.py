"""Changes to a document on its way: wrapping, quoting, spaces, case, accents, bold, the order of blocks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random

from campaign.document.text.normalise import words
from tests.document.support.forms import quoted, wrapped
from tests.document.support.lost_lines import label_end

_LAST = frozenset({"languages", "deadline", "name", "previous", "update"})
_MARKS = re.compile(r"^[*_]+|[*_]+$")


def _labels(text: str, change: Callable[[str], str]) -> str:
    """The text with the labels at the start of its lines changed, and nothing else."""
    lines = []
    for line in text.split("\n"):
        found = words(line)
        end = label_end(line) if found and not line[: found[0].start].strip(" *_#") else None
        if end is None:
            lines.append(line)
        else:
            start = found[0].start
            lines.append(line[:start] + change(line[start:end]) + line[end:])
    return "\n".join(lines)


def wrap(text: str, random: Random) -> str:
    return wrapped(text, random.randint(58, 90))


def quote(text: str, random: Random) -> str:
    return quoted(text, random.choice(["> ", ">", "> > ", ">>"]))


def space(text: str, random: Random) -> str:
    """More spaces between words and at the ends of lines, and stranger ones before colons."""
    return "\n".join(_spaced(line, random) for line in text.split("\n"))


def _spaced(line: str, random: Random) -> str:
    if random.random() < 0.3:
        line = re.sub(r"(?<=\w) (?=\w)", lambda _: random.choice([" ", "  ", "\u00a0"]), line)
    if random.random() < 0.3:
        line = random.choice([" ", "  "]) * bool(line) + line
    if random.random() < 0.3:
        line = re.sub(r"(?<=\w):(?=[ *]|$)", random.choice([" :", "\u00a0:", "\u202f:"]), line, count=1)
    return line + " " * random.choice([0, 0, 1])


def recase(text: str, random: Random) -> str:
    return _labels(text, lambda label: random.choice([label.upper(), label.capitalize(), label.lower()]))


def unaccent(text: str, _random: Random) -> str:
    def bare(label: str) -> str:
        return "".join(char for char in unicodedata.normalize("NFD", label) if not unicodedata.combining(char))

    return _labels(text, bare)


def apostrophes(text: str, random: Random) -> str:
    return _labels(text, lambda label: re.sub("['’]", random.choice("'’`´"), label))


def unbold(text: str, random: Random) -> str:
    """Lines that are bold as a whole, or begin bold, without their marks."""
    lines = []
    for line in text.split("\n"):
        is_label = label_end(line) is not None
        lines.append(re.sub(r"\*\*", "", line) if is_label and random.random() < 0.7 else line)
    return "\n".join(lines)


def bold(text: str, random: Random) -> str:
    lines = []
    for line in text.split("\n"):
        is_label = label_end(line) is not None and "*" not in line and not line.startswith("#")
        lines.append(f"**{line.strip()}**" if is_label and random.random() < 0.7 else line)
    return "\n".join(lines)


def reorder(text: str, random: Random) -> str:
    """The short blocks at the end in another order."""
    blocks = re.split(r"\n[ \t]*\n", text.strip("\n"))
    start = len(blocks)
    while start and label_end(blocks[start - 1].split("\n")[0], _LAST) is not None:
        start -= 1
    last = blocks[start:]
    random.shuffle(last)
    return "\n\n".join([*blocks[:start], *last]) + "\n"


def ends(text: str, random: Random) -> str:
    return text.replace("\n", random.choice(["\r\n", "\r", "\u2028"]))


EARLY = (space, recase, unaccent, apostrophes, unbold, bold, reorder)
LATE = (wrap, quote, ends)
