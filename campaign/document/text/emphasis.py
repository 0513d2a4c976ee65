"""Markdown marks inside a line (emphasis, links, escapes) and their removal for fields of plain text.

A star between letters is part of a word (`Arbeiter*innen`), never emphasis.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

_RUN = re.compile(r"\*+|_+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s+|$)")
_MARKUP = re.compile(r"[*_#\[\\&]")
_MAX_LINK_TEXT = 500  # characters
_MAX_LINK_TARGET = 2000  # characters


class MarkdownLink(NamedTuple):
    """A Markdown link or image with its position."""

    start: int
    end: int
    text: str
    target: str
    is_image: bool


def find_links(text: str) -> list[MarkdownLink]:
    """Return the inline links of a text. The search is bounded: its cost is linear even for hostile input."""
    result: list[MarkdownLink] = []
    position, last_end = text.find("]("), 0
    while position >= 0:
        start = _opening_bracket(text, max(last_end, position - _MAX_LINK_TEXT), position)
        end = text.find(")", position, position + _MAX_LINK_TARGET)
        if start >= 0 and end >= 0:
            if text.count("(", position + 2, end) and text[end + 1 : end + 2] == ")":
                end += 1
            is_image = start > 0 and text[start - 1] == "!"
            target = text[position + 2 : end].strip().split(" ")[0].strip("<>")
            result.append(MarkdownLink(start - is_image, end + 1, text[start + 1 : position], target, is_image))
            last_end = end + 1
        position = text.find("](", max(position + 2, last_end))
    return result


def _opening_bracket(text: str, first: int, closing: int) -> int:
    """Return the position of the bracket that closes at `closing`, or -1."""
    depth = 0
    for position in range(closing - 1, first - 1, -1):
        if text[position] == "]":
            depth += 1
        elif text[position] == "[":
            if not depth:
                return position
            depth -= 1
    return -1


def strip_emphasis(text: str) -> str:
    """Return the text without emphasis.

    Unpaired marks of several characters are removed too, since cutting off a label can separate a pair.
    """
    pieces: list[str] = []
    open_marks: list[tuple[str, int]] = []
    position = 0
    for run in _RUN.finditer(text):
        pieces.append(text[position : run.start()])
        position = run.end()
        before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        if before == "\\" or (before.isalnum() and after.isalnum()):
            pieces.append(run.group())
            continue
        mark = run.group()[0]
        can_close = bool(before) and not before.isspace()
        if can_close and any(mark == other for other, _ in open_marks[-8:]):
            while open_marks:
                other, index = open_marks.pop()
                if other == mark:
                    pieces[index] = ""
                    break
            pieces.append("")
        elif after and not after.isspace():
            open_marks.append((mark, len(pieces)))
            pieces.append(run.group())
        else:
            pieces.append(run.group() if len(run.group()) == 1 else "")
    pieces.append(text[position:])
    for _, index in open_marks:
        if len(pieces[index]) > 1:
            pieces[index] = ""
    return "".join(pieces).strip()


def plain_text(text: str) -> str:
    """Return one line of text without Markdown: no emphasis, heading mark or escape, links as their text."""
    if not _MARKUP.search(text):
        return " ".join(text.split())
    text = _HEADING.sub("", text.strip()).rstrip("#") if text.lstrip().startswith("#") else text
    pieces: list[str] = []
    position = 0
    for link in find_links(text):
        pieces += [text[position : link.start], "" if link.is_image else link.text]
        position = link.end
    text = strip_emphasis("".join(pieces) + text[position:]).strip()
    text = _strip_edge_marks(text)
    text = _ESCAPED.sub(r"\1", text)
    if "&" in text:
        text = unescape(text)
    return " ".join(text.split())


def _strip_edge_marks(text: str) -> str:
    """Return the text without the marks at its start or end whose partner was cut off with a label."""
    if text.startswith(("*", "_")) and text[:1] * 2 not in text[1:]:
        text = text.lstrip("*_")
    return text.rstrip("*_") if text.endswith(("**", "*", "__")) else text


def is_bold(text: str) -> bool:
    """Return whether the whole line is bold."""
    stripped = text.strip()
    return stripped.startswith(("**", "__")) and stripped.endswith(("**", "__")) and len(stripped) > 4


def is_italic(text: str) -> bool:
    """Return whether the line begins in italic. The templates use italic only for the letter."""
    stripped = text.strip()
    return stripped.startswith("*") and (not stripped.startswith("**") or stripped.startswith("***"))


def is_heading(text: str) -> bool:
    """Return whether the line is a Markdown heading."""
    return _HEADING.match(text) is not None


def is_marked(text: str) -> bool:
    """Return whether a line is marked as a headline: as a heading, bold or in capitals."""
    return is_heading(text) or is_bold(text) or is_in_capitals(text)


def is_in_capitals(text: str) -> bool:
    """Return whether at least 80 % of the letters of a line are capitals."""
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and sum(char.isupper() for char in letters) >= 0.8 * len(letters)
