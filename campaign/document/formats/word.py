"""DOCX as lines: mammoth converts the body to HTML, which becomes Markdown; pictures and macros are left out.

Word has the reference line in the page header, which mammoth leaves out, so headers are read separately.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import mammoth

from campaign.document.errors import DocumentError
from campaign.document.formats.word_archive import repack_members, unpack_members
from campaign.document.text.lines import Line

_MAX_ADDRESS_LINE = 80  # characters; consecutive paragraphs up to this length are the lines of an address
_WORD_NAMESPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MARKS_BY_TAG = {"strong": "**", "b": "**", "em": "*", "i": "*"}
_BLOCK_TAGS = frozenset({"p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr", "ul", "ol", "table"})


def read_docx(data: bytes, name: str) -> list[Line]:
    """Return the document's lines with Markdown emphasis, its page headers first, its footers last.

    Raises DocumentError if it cannot be read as DOCX or unpacks to more than the limit, and MemoryError.
    """
    try:
        members = unpack_members(data, name)
        headers = _page_texts(members, "header")
        footers = _page_texts(members, "footer")
        result = mammoth.convert_to_html(
            repack_members(members),
            ignore_empty_paragraphs=False,
            include_embedded_style_map=False,
            convert_image=_no_image,
        )
        writer = _MarkdownWriter()
        writer.feed(result.value)
        writer.close()
    except (DocumentError, MemoryError):
        raise
    # A damaged file can raise any exception in the zip, XML or style reader: KeyError, struct.error, ParseError…
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as DOCX") from error
    texts = [(text, True) for text in headers] + [("", False)]
    texts += [(text, False) for text in writer.text().split("\n")] + [("", False)]
    texts += [(text, True) for text in footers]
    return [Line(number, text, is_margin=is_margin) for number, (text, is_margin) in enumerate(texts, start=1)]


def _no_image(image: object) -> list[Any]:
    return []


def _page_texts(members: dict[str, bytes], kind: str) -> list[str]:
    """Return the lines of the page headers or footers, without repeats."""
    texts: dict[str, None] = {}
    for member in sorted(members):
        if re.fullmatch(rf"word/{kind}\d{{0,3}}\.xml", member):
            for paragraph in ET.fromstring(members[member]).iter(f"{_WORD_NAMESPACE}p"):  # noqa: S314  declarations were refused
                text = " ".join("".join(_node_text(node) for node in paragraph.iter()).split())
                if text:
                    texts[text] = None
    return list(texts)


def _node_text(node: ET.Element) -> str:
    if node.tag == f"{_WORD_NAMESPACE}t":
        return node.text or ""
    return " " if node.tag in {f"{_WORD_NAMESPACE}tab", f"{_WORD_NAMESPACE}br"} else ""


class _MarkdownWriter(HTMLParser):
    """A parser of mammoth's HTML: one line for each paragraph, line break, list item and table cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._prefix = ""
        self._open_marks: list[str] = []
        self._link_target: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add what an opening tag becomes in Markdown."""
        if tag in _BLOCK_TAGS:
            self._end_block()
            if tag == "li":
                self._prefix = "- "
            elif tag[0] == "h" and tag[1:].isdigit():
                self._prefix = "#" * int(tag[1:]) + " "
        elif tag == "br":
            self._break_line()
        elif tag in _MARKS_BY_TAG:
            self._open_marks.append(_MARKS_BY_TAG[tag])
            self._line += _MARKS_BY_TAG[tag]
        elif tag == "a":
            self._link_target = dict(attrs).get("href")
            self._line += "[" if self._link_target else ""

    def handle_endtag(self, tag: str) -> None:
        """Add what a closing tag becomes in Markdown."""
        if tag in _MARKS_BY_TAG and self._open_marks:
            self._line = _close_mark(self._line, self._open_marks.pop())
        elif tag == "a" and self._link_target:
            self._line += f"]({self._link_target})"
            self._link_target = None
        elif tag == "p" and not self._line.strip():
            self._lines.append("")
        elif tag in _BLOCK_TAGS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        """Add text to the line."""
        self._line += data.replace("\n", " ")

    def _break_line(self) -> None:
        """End the line inside emphasis: the marks close before the break and open again after it."""
        for mark in reversed(self._open_marks):
            self._line = _close_mark(self._line, mark)
        self._add_line(is_break=True)
        self._line = "".join(self._open_marks)

    def _end_block(self) -> None:
        if self._line.strip():
            self._add_line(is_break=False)
        self._line = ""

    def _add_line(self, *, is_break: bool) -> None:
        text = self._prefix + self._line.strip()
        self._prefix = ""
        self._lines.append(text if not is_break else text + "\n")

    def text(self) -> str:
        """Return the lines, with a blank line before and after each long paragraph; short ones stay together."""
        self._end_block()
        lines: list[str] = []
        for line in self._lines:
            text, above = line.rstrip("\n"), lines[-1] if lines else ""
            if above.strip() and text.strip() and not above.endswith("\n"):
                are_list_items = above.startswith("- ") and text.startswith("- ")
                has_heading = "#" in {above[0], text[0]}
                if not are_list_items and (has_heading or max(len(above), len(text)) > _MAX_ADDRESS_LINE):
                    lines.append("")
            lines.append(line)
        return "\n".join(line.rstrip("\n") for line in lines)


def _close_mark(line: str, mark: str) -> str:
    """Return the line with a mark closed before its trailing space, or without the mark if nothing follows it."""
    text = line.rstrip()
    space = line[len(text) :]
    if text.endswith(mark):
        return text[: -len(mark)] + space
    return text + mark + space
