"""The damages that copy and paste do to a document, none of which changes what a person would read in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from random import Random

Lines = list[str]
Damage = Callable[[Lines, Random], Lines]
_WIDTH = 72  # characters
_PAGE_LINES = (
    "Page 1 of 2", "https://www.section.example/act?id=31", "12/03/2024, 09:41", "2", "- 2 -", "Print this page",
)  # fmt: skip


def lose_blank_lines(lines: Lines, _random: Random) -> Lines:
    """Return the lines that are not blank."""
    return [line for line in lines if line.strip()]


def lose_some_blank_lines(lines: Lines, random: Random) -> Lines:
    """Return the lines without about half of the blank ones."""
    return [line for line in lines if line.strip() or random.random() < 0.5]


def double_lines(lines: Lines, _random: Random) -> Lines:
    """Return the lines with a blank one after each, as if each were a paragraph."""
    return [part for line in lines if line.strip() for part in (line, "")]


def join_lines(lines: Lines, random: Random) -> Lines:
    """Return the lines with one or two pairs of neighbours joined by a space."""
    lines = list(lines)
    for _ in range(random.choice((1, 2))):
        places = [index for index in range(len(lines) - 1) if lines[index].strip() and lines[index + 1].strip()]
        if places:
            index = random.choice(places)
            lines[index : index + 2] = [f"{lines[index]} {lines[index + 1].lstrip()}"]
    return lines


def add_page_lines(lines: Lines, random: Random) -> Lines:
    """Return the lines with one or two lines of a page's margin among them."""
    lines = list(lines)
    for _ in range(random.choice((1, 2))):
        lines.insert(random.randrange(1, len(lines) + 1), random.choice(_PAGE_LINES))
    return lines


def exchange_spaces(lines: Lines, random: Random) -> Lines:
    """Return the lines with other kinds of space, and with spaces at their ends."""
    space = random.choice(("\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "  ", "\t"))
    changed = ["".join(space if char == " " and random.random() < 0.2 else char for char in line) for line in lines]
    return [f"{line}{random.choice(('', ' ', chr(0xA0), chr(0x200B)))}" for line in changed]


def indent(lines: Lines, random: Random) -> Lines:
    """Return the lines with spaces before each."""
    margin = random.choice(("    ", "\t", "\N{NO-BREAK SPACE}"))
    return [f"{margin}{line}" if line else line for line in lines]


def set_smart_quotes(lines: Lines, _random: Random) -> Lines:
    """Return the lines with typographic apostrophes."""
    return [line.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}") for line in lines]


def quote(lines: Lines, _random: Random) -> Lines:
    """Return the lines as an answer to a mail quotes them."""
    return [f"> {line}".rstrip() for line in lines]


def wrap(lines: Lines, _random: Random) -> Lines:
    """Return the lines wrapped as a mail program wraps them."""
    return [
        part
        for line in lines
        for part in (textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""])
    ]


DAMAGES: dict[str, Damage] = {
    "lost blank lines": lose_blank_lines,
    "some blank lines lost": lose_some_blank_lines,
    "every line a paragraph": double_lines,
    "joined lines": join_lines,
    "page lines": add_page_lines,
    "spaces": exchange_spaces,
    "indented": indent,
    "smart quotes": set_smart_quotes,
    "quoted": quote,
    "wrapped": wrap,
}
# In this order, so that quote marks stand before wrapped lines.
ORDER = tuple(DAMAGES)
