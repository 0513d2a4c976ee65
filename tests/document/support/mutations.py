"""Harmless changes to a document: wrapping, quoting, spaces, case, accents, bold, the order of blocks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random

from campaign.document.text.normalise import words
from tests.document.support.forms import quoted, wrapped
from tests.document.support.lost_lines import label_end

_SHORT_KINDS = frozenset({"languages", "deadline", "name", "previous", "update"})


def _change_labels(text: str, change: Callable[[str], str]) -> str:
    """Return the text with the labels at the start of its lines changed."""
    lines = []
    for line in text.split("\n"):
        line_words = words(line)
        end = label_end(line) if line_words and not line[: line_words[0].start].strip(" *_#") else None
        if end is None:
            lines.append(line)
        else:
            start = line_words[0].start
            lines.append(line[:start] + change(line[start:end]) + line[end:])
    return "\n".join(lines)


def wrap(text: str, random: Random) -> str:
    return wrapped(text, random.randint(58, 90))


def quote(text: str, random: Random) -> str:
    return quoted(text, random.choice(["> ", ">", "> > ", ">>"]))


def add_spaces(text: str, random: Random) -> str:
    """Return the text with more spaces between words and at the ends of lines, and with wide ones before colons."""
    return "\n".join(_with_spaces(line, random) for line in text.split("\n"))


def _with_spaces(line: str, random: Random) -> str:
    if random.random() < 0.3:
        line = re.sub(r"(?<=\w) (?=\w)", lambda _: random.choice([" ", "  ", "\u00a0"]), line)
    if random.random() < 0.3:
        line = random.choice([" ", "  "]) * bool(line) + line
    if random.random() < 0.3:
        line = re.sub(r"(?<=\w):(?=[ *]|$)", random.choice([" :", "\u00a0:", "\u202f:"]), line, count=1)
    return line + " " * random.choice([0, 0, 1])


def change_case(text: str, random: Random) -> str:
    return _change_labels(text, lambda label: random.choice([label.upper(), label.capitalize(), label.lower()]))


def remove_accents(text: str, _random: Random) -> str:
    def without_accents(label: str) -> str:
        return "".join(char for char in unicodedata.normalize("NFD", label) if not unicodedata.combining(char))

    return _change_labels(text, without_accents)


def change_apostrophes(text: str, random: Random) -> str:
    return _change_labels(text, lambda label: re.sub("['’]", random.choice("'’`´"), label))


def remove_bold(text: str, random: Random) -> str:
    """Return the text with the bold marks removed from most lines that begin with a label."""
    lines = []
    for line in text.split("\n"):
        is_label = label_end(line) is not None
        lines.append(re.sub(r"\*\*", "", line) if is_label and random.random() < 0.7 else line)
    return "\n".join(lines)


def add_bold(text: str, random: Random) -> str:
    lines = []
    for line in text.split("\n"):
        is_label = label_end(line) is not None and "*" not in line and not line.startswith("#")
        lines.append(f"**{line.strip()}**" if is_label and random.random() < 0.7 else line)
    return "\n".join(lines)


def reorder_short_blocks(text: str, random: Random) -> str:
    """Return the text with the short blocks at its end in another order."""
    blocks = re.split(r"\n[ \t]*\n", text.strip("\n"))
    start = len(blocks)
    while start and label_end(blocks[start - 1].split("\n")[0], _SHORT_KINDS) is not None:
        start -= 1
    last = blocks[start:]
    random.shuffle(last)
    return "\n\n".join([*blocks[:start], *last]) + "\n"


def change_line_ends(text: str, random: Random) -> str:
    return text.replace("\n", random.choice(["\r\n", "\r", "\u2028"]))


# Changes of the layout hide the labels from changes of the content, so they come after them.
CONTENT_CHANGES = (
    add_spaces,
    change_case,
    remove_accents,
    change_apostrophes,
    remove_bold,
    add_bold,
    reorder_short_blocks,
)
LAYOUT_CHANGES = (wrap, quote, change_line_ends)
