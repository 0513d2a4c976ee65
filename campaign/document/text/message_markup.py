"""Markdown as staff write it in a mail: HTML with live addresses and line breaks, and text that loses neither.

A document's line breaks are its typesetter's (`markup`); in a mail they are the writer's, and who reads the text part
cannot click on words. Both parts come of the same parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from campaign.document.text.markup import cleaned, prepared
from campaign.document.text.paragraphs import safe_target

_ADDRESS = re.compile(
    r"(?P<web>\bhttps?://[^\s<>\"]{1,2000}|\bwww\.[^\s<>\"]{1,2000})|(?P<mail>\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)",
    re.IGNORECASE,
)
# What ends a sentence or a bracket around an address is not its own.
_BEHIND = ".,;:!?'\"»”’…*_"
_MARK = re.compile(r"[*_]")
_BREAKS = {"softbreak", "hardbreak"}
_BULLET = "- "
_OPTIONS = {"html": False, "breaks": True}


def message_html(markdown: str) -> str:
    """Return safe HTML: bare addresses are links, and a line that the writer ended ends."""
    return cleaned(_parser().render(_source(markdown)))


def message_text(markdown: str) -> str:
    """Return the text without Markdown; behind linked words stands their address in brackets."""
    return _Text().read(_text_parser().parse(_source(markdown)))


def _source(markdown: str) -> str:
    """Return the Markdown in which no mark inside a bare address is taken for emphasis."""
    pieces: list[str] = []
    text, at = prepared(markdown), 0
    for start, end, _ in _bare(text):
        # Between angle brackets marks are none anyway, and a backslash would be the address's own.
        is_bracketed = text[start - 1 : start] == "<" or text[max(0, start - 8) : start] == "<mailto:"
        pieces += [text[at:start], text[start:end] if is_bracketed else _MARK.sub(r"\\\g<0>", text[start:end])]
        at = end
    return "".join(pieces) + text[at:]


class _AsWritten(MarkdownIt):
    """Keeps addresses as they were written, for the text part; `safe_target` says which are shown."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  the library's name
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
        return True


@cache
def _parser() -> MarkdownIt:
    parser = _set_up(MarkdownIt("commonmark", _OPTIONS))
    parser.core.ruler.push("bare_addresses", lambda state: _each_inline(state.tokens, _linked))
    return parser


@cache
def _text_parser() -> MarkdownIt:
    return _set_up(_AsWritten("commonmark", _OPTIONS))


def _set_up(parser: MarkdownIt) -> MarkdownIt:
    parser.disable(["code", "fence", "table"], True)
    parser.core.ruler.push("pictures", lambda state: _each_inline(state.tokens, _without_pictures))
    return parser


def _each_inline(tokens: list[Token], change: Callable[[list[Token]], Iterable[Token]]) -> None:
    for token in tokens:
        if token.children:
            token.children = list(change(token.children))


def _without_pictures(tokens: list[Token]) -> Iterator[Token]:
    """A picture is the words that stand for it, or else what it links to: no mail of ours loads one."""
    target = ""
    for token in tokens:
        if token.type in {"link_open", "link_close"}:
            target = str(token.attrs.get("href", ""))
        yield _token(token.content or target) if token.type == "image" else token


def _linked(tokens: list[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and not depth:
            yield from _with_links(token.content)
        else:
            yield token


def _with_links(text: str) -> Iterator[Token]:
    at = 0
    for start, end, target in _bare(text):
        yield from (_token(text[at:start]), Token("link_open", "a", 1, attrs={"href": target}), _token(text[start:end]))
        yield Token("link_close", "a", -1)
        at = end
    yield _token(text[at:])


def _token(text: str) -> Token:
    return Token("text", "", 0, content=text)


def _bare(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where an address stands, and what it links to."""
    for match in _ADDRESS.finditer(text):
        found = match.group()
        while found and (found[-1] in _BEHIND or (found[-1] in ")]}" and found.count(found[-1]) > _opened(found))):
            found = found[:-1]
        if found:
            is_short = found[:4].lower() == "www."
            scheme = "mailto:" if match["mail"] else "https://" if is_short else ""
            yield match.start(), match.start() + len(found), scheme + found


def _opened(text: str) -> int:
    return text.count({")": "(", "]": "[", "}": "{"}[text[-1]])


class _Text:
    """The text part: paragraphs parted by blank lines, list items and quotes marked as Markdown marks them."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        # What stands before the first line of a block, and before its further lines, for each list or quote around it.
        self._first: list[str] = []
        self._further: list[str] = []
        self._numbers: list[int | None] = []

    def read(self, tokens: list[Token]) -> str:
        """Return the text of a document's tokens."""
        is_close = False
        for token in tokens:
            if token.type in {"bullet_list_open", "ordered_list_open"}:
                start = token.attrs.get("start", 1) if token.type == "ordered_list_open" else None
                self._numbers.append(None if start is None else int(start))
            elif token.type in {"bullet_list_close", "ordered_list_close"}:
                self._numbers.pop()
                is_close = False
            elif token.type in {"list_item_open", "blockquote_open"}:
                self._enter("> " if token.type == "blockquote_open" else self._marker())
            elif token.type in {"list_item_close", "blockquote_close"}:
                self._first.pop()
                self._further.pop()
            elif token.type == "hr":
                self._add("---", is_close=False)
            elif token.type == "paragraph_open":
                is_close = token.hidden and is_close
            elif token.type == "inline":
                self._add(_inline(token.children or []), is_close=is_close)
            elif token.type == "paragraph_close":
                is_close = token.hidden
        return "\n".join(self._lines).strip()

    def _enter(self, marker: str) -> None:
        self._first.append(marker)
        self._further.append(marker if marker == "> " else " " * len(marker))

    def _marker(self) -> str:
        number = self._numbers[-1]
        if number is None:
            return _BULLET
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _add(self, text: str, *, is_close: bool) -> None:
        if self._lines and not is_close:
            self._lines.append("".join(one for one in self._further if one == "> ").rstrip())
        for line in text.split("\n"):
            self._lines.append(("".join(self._first) + line.strip()).rstrip())
            self._first = list(self._further)


def _inline(tokens: list[Token]) -> str:
    """The words of a paragraph; behind linked ones their address."""
    said: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            opened.append((len(said), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            at, target = opened.pop()
            said[at:] = [_said("".join(said[at:]), target)]
        else:
            said.append("\n" if token.type in _BREAKS else token.content)
    return "".join(said)


def _said(words: str, target: str) -> str:
    """The linked words and their address; the address alone where the words are it, or there are none."""
    address = safe_target(target.strip())
    if address is None:
        return words
    shown = address.removeprefix("mailto:").replace(" ", "%20")
    bare = words.strip().removeprefix("mailto:").rstrip("/")
    if bare in {"", shown.rstrip("/"), shown.partition("://")[2].rstrip("/")}:
        return shown
    return f"{words} ({shown})"
