"""Markdown's marks inside a line: emphasis, links, escapes; taken off where a field holds plain text.

A star between letters is part of a word (`Arbeiter*innen`), never emphasis.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

_RUN = re.compile(r"\*+|_+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s+|$)")
_LINK_TEXT = 500
_LINK_TARGET = 2000


class MarkdownLink(NamedTuple):
    """A Markdown link or image and where it stands."""

    start: int
    end: int
    text: str
    target: str
    is_image: bool


def links(text: str) -> list[MarkdownLink]:
    """The inline links of a text; searched within bounds, so that hostile input costs its length only."""
    found: list[MarkdownLink] = []
    at, done = text.find("]("), 0
    while at >= 0:
        start = _opening(text, max(done, at - _LINK_TEXT), at)
        end = text.find(")", at, at + _LINK_TARGET)
        if start >= 0 and end >= 0:
            if text.count("(", at + 2, end) and text[end + 1 : end + 2] == ")":
                end += 1
            image = start > 0 and text[start - 1] == "!"
            target = text[at + 2 : end].strip().split(" ")[0].strip("<>")
            found.append(MarkdownLink(start - image, end + 1, text[start + 1 : at], target, image))
            done = end + 1
        at = text.find("](", max(at + 2, done))
    return found


def _opening(text: str, first: int, at: int) -> int:
    """Where the bracket opens that closes at `at`, or -1."""
    depth = 0
    for place in range(at - 1, first - 1, -1):
        if text[place] == "]":
            depth += 1
        elif text[place] == "[":
            if not depth:
                return place
            depth -= 1
    return -1


def without_marks(text: str) -> str:
    """The text without emphasis; marks without a partner at its edges go too: a label may be cut off."""
    kept: list[str] = []
    opened: list[tuple[str, int]] = []
    at = 0
    for run in _RUN.finditer(text):
        kept.append(text[at : run.start()])
        at = run.end()
        before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        if before == "\\" or (before.isalnum() and after.isalnum()):
            kept.append(run.group())
            continue
        mark = run.group()[0]
        closes = bool(before) and not before.isspace()
        if closes and any(mark == other for other, _ in opened[-8:]):
            while opened:
                other, place = opened.pop()
                if other == mark:
                    kept[place] = ""
                    break
            kept.append("")
        elif after and not after.isspace():
            opened.append((mark, len(kept)))
            kept.append(run.group())
        else:
            kept.append(run.group() if len(run.group()) == 1 else "")
    kept.append(text[at:])
    for _, place in opened:
        if len(kept[place]) > 1:
            kept[place] = ""
    return "".join(kept).strip()


def plain(text: str) -> str:
    """One line of text without Markdown: links as their text, no emphasis, no heading mark, no escapes."""
    text = _HEADING.sub("", text.strip()).rstrip("#") if text.lstrip().startswith("#") else text
    pieces: list[str] = []
    at = 0
    for link in links(text):
        pieces += [text[at : link.start], "" if link.is_image else link.text]
        at = link.end
    text = without_marks("".join(pieces) + text[at:]).strip()
    text = _edges(text)
    text = _ESCAPED.sub(r"\1", text)
    if "&" in text:
        text = unescape(text)
    return " ".join(text.split())


def _edges(text: str) -> str:
    """Without the lone marks that a cut leaves at either end."""
    if text.startswith(("*", "_")) and text[:1] * 2 not in text[1:]:
        text = text.lstrip("*_")
    return text.rstrip("*_") if text.endswith(("**", "*", "__")) else text


def is_bold(text: str) -> bool:
    """Whether the whole line is bold."""
    bare = text.strip()
    return bare.startswith(("**", "__")) and bare.endswith(("**", "__")) and len(bare) > 4


def is_italic(text: str) -> bool:
    """Whether the line opens with italic, which the templates keep for the letter."""
    bare = text.strip()
    return bare.startswith("*") and (not bare.startswith("**") or bare.startswith("***"))


def is_heading(text: str) -> bool:
    """Whether the line is a Markdown heading."""
    return _HEADING.match(text) is not None


def is_marked(text: str) -> bool:
    """Whether a line is set apart as a headline: a heading, bold, or in capitals."""
    return is_heading(text) or is_bold(text) or is_capital(text)


def is_capital(text: str) -> bool:
    """Whether a line is in capitals, but for a few letters."""
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and sum(char.isupper() for char in letters) >= 0.8 * len(letters)
