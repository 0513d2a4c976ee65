"""HTML as lines of Markdown: Word files, OpenDocument files, mails and web pages all become HTML first.

The HTML has to be well formed: mammoth writes such HTML, and nh3 turns any other into it. A paragraph, a list item, a
table cell and the part before a line break become one line each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import NamedTuple

from campaign.document.text.address_lines import is_prose

_BLOCK_TAGS = frozenset(
    "p div li h1 h2 h3 h4 h5 h6 td th tr ul ol dl dt dd table caption blockquote pre hr section article header footer"
    " address figure figcaption main aside center".split()
)
_VOID_TAGS = frozenset({"br", "hr", "img"})
_BOLD = re.compile(r"font-weight:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_NOT_BOLD = re.compile(r"font-weight:\s*(?:normal|[1-5]00)", re.IGNORECASE)
_ITALIC = re.compile(r"font-style:\s*(?:italic|oblique)", re.IGNORECASE)
_NOT_ITALIC = re.compile(r"font-style:\s*normal", re.IGNORECASE)
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden|mso-hide:\s*all", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")


@dataclass(slots=True)
class _Block:
    """The lines of a paragraph, a list item or a table cell; `kind` is `text`, `item`, `heading` or `blank`."""

    kind: str
    lines: list[str] = field(default_factory=list)
    is_paragraph: bool = False


class _OpenTag(NamedTuple):
    """An open element, and the emphasis of the text in it."""

    name: str
    is_bold: bool = False
    is_italic: bool = False

    @property
    def marks(self) -> str:
        """Return the Markdown marks of the text: `**`, `*`, both or none."""
        return ("**" if self.is_bold else "") + ("*" if self.is_italic else "")

    def inner(self, name: str, style: str) -> _OpenTag:
        """Return an element inside this one, with the emphasis of its name and its style."""
        is_bold = self.is_bold or name in {"strong", "b"} or _BOLD.search(style) is not None
        is_italic = self.is_italic or name in {"em", "i"} or _ITALIC.search(style) is not None
        return _OpenTag(name, is_bold and not _NOT_BOLD.search(style), is_italic and not _NOT_ITALIC.search(style))


class MarkdownWriter(HTMLParser):
    """A parser of well-formed HTML that collects its text as blocks of lines with Markdown emphasis."""

    def __init__(self, *, collapses_spaces: bool = False) -> None:
        """Create a writer; with `collapses_spaces`, line ends and tabs count as spaces, as in a browser."""
        super().__init__(convert_charrefs=True)
        self.picture_count = 0
        self._collapses_spaces = collapses_spaces
        self._blocks: list[_Block] = []
        self._block = _Block("text")
        self._prefix = ""
        self._runs: list[tuple[str, str]] = []  # the texts of the current line, with the marks around them
        self._open_tags = [_OpenTag("")]
        self._cell_starts: list[int] = []  # for each open table cell, the number of blocks before it
        self._link: tuple[int, str] | None = None  # the number of runs before the link, and its address
        self._has_blank_paragraphs = False
        self._hidden_depth = 0
        self._pre_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add what an opening tag becomes in Markdown."""
        attributes = dict(attrs)
        style = attributes.get("style") or ""
        if self._hidden_depth or "hidden" in attributes or _HIDDEN.search(style):
            self._hidden_depth += tag not in _VOID_TAGS
            return
        if tag in _BLOCK_TAGS:
            self._end_block()
            self._begin_block(tag)
        elif tag == "br":
            self._end_line()
        elif tag == "img":
            self.picture_count += 1
        elif tag == "a" and self._link is None:
            # A link inside the document, such as that of a footnote, leads nowhere in a field.
            address = attributes.get("href") or "#"
            self._link = None if address.startswith("#") else (len(self._runs), address)
        if tag not in _VOID_TAGS:
            self._open_tags.append(self._open_tags[-1].inner(tag, style))

    def handle_endtag(self, tag: str) -> None:
        """Add what a closing tag becomes in Markdown."""
        if self._hidden_depth:
            self._hidden_depth -= tag not in _VOID_TAGS
            return
        if tag == "a":
            self._end_link()
        elif tag in _BLOCK_TAGS:
            is_blank = tag == "p" and not self._block.lines and not self._has_text()
            self._end_block()
            if is_blank:
                self._blocks.append(_Block("blank"))
                self._has_blank_paragraphs = True
            self._leave_block(tag)
        if len(self._open_tags) > 1 and tag not in _VOID_TAGS:
            self._open_tags.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the line."""
        if self._hidden_depth:
            return
        marks = self._open_tags[-1].marks
        if self._pre_depth:
            first, *others = data.split("\n")
            self._runs.append((first, marks))
            for other in others:
                self._end_line()
                self._runs.append((other, marks))
        else:
            self._runs.append((_SPACES.sub(" ", data) if self._collapses_spaces else data.replace("\n", " "), marks))

    def lines(self) -> list[str]:
        """Return the lines, with a blank line between blocks that are no lines of one address."""
        self._end_block()
        # An author who breaks lines inside paragraphs, and leaves none empty, makes no lines of paragraphs.
        has_whole_paragraphs = not self._has_blank_paragraphs and any(
            block.is_paragraph and len(block.lines) > 1 for block in self._blocks
        )
        lines: list[str] = []
        for above, block in pairwise([_Block("blank"), *self._blocks]):
            if block.kind == "blank" or (
                above.kind != "blank"
                and (
                    _are_separate(above, block) or (has_whole_paragraphs and above.is_paragraph and block.is_paragraph)
                )
            ):
                lines.append("")
            lines += block.lines
        return lines

    def _begin_block(self, tag: str) -> None:
        if tag == "li":
            self._prefix, self._block.kind = "- ", "item"
        elif tag[0] == "h" and tag[1:].isdigit():
            self._prefix, self._block.kind = "#" * int(tag[1:]) + " ", "heading"
        elif tag == "p":
            self._block.is_paragraph = not self._prefix and not self._cell_starts
        elif tag == "hr":
            self._blocks.append(_Block("blank"))
        elif tag == "pre":
            self._pre_depth += 1
        elif tag in {"td", "th"}:
            self._cell_starts.append(len(self._blocks))

    def _leave_block(self, tag: str) -> None:
        if tag == "pre":
            self._pre_depth -= 1
        elif self._prefix and (tag == "li" or tag[0] == "h"):
            self._prefix, self._block.kind = "", "text"
        elif tag in {"td", "th"} and self._cell_starts:
            # Several paragraphs in one cell are a block of their own, such as the address of one target.
            start = self._cell_starts.pop()
            if len(self._blocks) - start > 1:
                self._blocks.insert(start, _Block("blank"))
                self._blocks.append(_Block("blank"))

    def _end_block(self) -> None:
        if self._has_text():
            self._end_line()
        self._runs.clear()
        while self._block.lines and not self._block.lines[-1]:
            self._block.lines.pop()
        if self._block.lines:
            self._blocks.append(self._block)
        # The text of a list item or a heading may be in a paragraph of its own inside it.
        self._block = _Block({"": "text", "- ": "item"}.get(self._prefix, "heading"))
        self._link = None

    def _end_line(self) -> None:
        """End a line, at a break or at the end of its block; emphasis and a link open again after it."""
        link = self._link
        self._end_link()
        text = _emphasised(self._runs)
        if self._collapses_spaces and not self._pre_depth:
            text = _SPACES.sub(" ", text)
        self._runs.clear()
        if link is not None:
            self._link = 0, link[1]
        if text:
            text, self._prefix = self._prefix + text, ""
        if text or self._block.lines:
            self._block.lines.append(text)

    def _end_link(self) -> None:
        """Replace the text of the link that ends by a Markdown link."""
        if self._link is None:
            return
        start, address = self._link
        self._link = None
        words = "".join(text for text, _ in self._runs[start:])
        if words.strip():
            marks = self._runs[start][1]
            before, after = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
            self._runs[start:] = [(before, ""), (f"[{words.strip()}]({address})", marks), (after, "")]

    def _has_text(self) -> bool:
        return any(not text.isspace() for text, _ in self._runs if text)


def _emphasised(runs: list[tuple[str, str]]) -> str:
    """Return the texts with their marks, which never stand beside a space that they enclose."""
    merged: list[tuple[list[str], str]] = []
    for text, marks in runs:
        if merged and (marks == merged[-1][1] or not text.strip()):
            merged[-1][0].append(text)
        elif text.strip():
            merged.append(([text], marks))
    pieces: list[str] = []
    for texts, marks in merged:
        text = "".join(texts)
        core = text.strip()
        start = text.index(core)
        pieces += [text[:start], marks, core, marks, text[start + len(core) :]]
    return "".join(pieces).strip()


def _are_separate(above: _Block, block: _Block) -> bool:
    """Return whether a blank line belongs between two blocks, because they are no lines of one address."""
    if above.kind == block.kind == "item":
        return False
    if "heading" in {above.kind, block.kind}:
        return True
    return any(len(part.lines) > 1 or is_prose(part.lines[0]) for part in (above, block))
