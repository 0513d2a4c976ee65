"""Markdown that staff write in a mail, as HTML with linked addresses and as plain text.

In a document (`markup`) line breaks come from its typesetting and are not kept; in a mail they are the author's and are
kept. Readers of the text part cannot click on words, so it shows the addresses. Both parts come from the same parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from campaign.document.text.markup import clean_html, prepare_markdown
from campaign.document.text.paragraphs import safe_target

_ADDRESS = re.compile(
    r"(?P<web>\bhttps?://[^\s<>\"]{1,2000}|\bwww\.[^\s<>\"]{1,2000})|(?P<mail>\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)",
    re.IGNORECASE,
)
# Marks that end a sentence or close a bracket behind an address are not part of it.
_TRAILING_MARKS = ".,;:!?'\"»”’…*_"
_MARK = re.compile(r"[*_]")
_BREAKS = {"softbreak", "hardbreak"}
_BULLET = "- "
_OPTIONS = {"html": False, "breaks": True}


def message_html(markdown: str) -> str:
    """Return safe HTML: bare addresses are linked, and the author's line breaks are kept."""
    return clean_html(_parser().render(_escape_addresses(markdown)))


def message_text(markdown: str) -> str:
    """Return the text without Markdown; the address of a link stands in brackets behind its words."""
    return _TextPart().read(_text_parser().parse(_escape_addresses(markdown)))


def _escape_addresses(markdown: str) -> str:
    """Return the Markdown with the marks inside bare addresses escaped, so that they are no emphasis."""
    pieces: list[str] = []
    text, position = prepare_markdown(markdown), 0
    for start, end, _ in _bare_addresses(text):
        # Between angle brackets marks have no effect, and a backslash would become part of the address.
        is_bracketed = text[start - 1 : start] == "<" or text[max(0, start - 8) : start] == "<mailto:"
        pieces += [text[position:start], text[start:end] if is_bracketed else _MARK.sub(r"\\\g<0>", text[start:end])]
        position = end
    return "".join(pieces) + text[position:]


class _UnchangedLinks(MarkdownIt):
    """A parser that keeps addresses as written, for the text part; `safe_target` decides which are shown."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  the library's name
        """Return the address unchanged."""
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
        """Accept every address."""
        return True


@cache
def _parser() -> MarkdownIt:
    parser = _set_up(MarkdownIt("commonmark", _OPTIONS))
    parser.core.ruler.push("bare_addresses", lambda state: _each_inline(state.tokens, _link_bare_addresses))
    return parser


@cache
def _text_parser() -> MarkdownIt:
    return _set_up(_UnchangedLinks("commonmark", _OPTIONS))


def _set_up(parser: MarkdownIt) -> MarkdownIt:
    parser.disable(["code", "fence", "table"], True)
    parser.core.ruler.push("pictures", lambda state: _each_inline(state.tokens, _without_pictures))
    return parser


def _each_inline(tokens: list[Token], change: Callable[[list[Token]], Iterable[Token]]) -> None:
    for token in tokens:
        if token.children:
            token.children = list(change(token.children))


def _without_pictures(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens with each picture replaced by its alternative text or, without one, by its link.

    No mail of this application loads a picture.
    """
    target = ""
    for token in tokens:
        if token.type in {"link_open", "link_close"}:
            target = str(token.attrs.get("href", ""))
        yield _token(token.content or target) if token.type == "image" else token


def _link_bare_addresses(tokens: list[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and not depth:
            yield from _with_links(token.content)
        else:
            yield token


def _with_links(text: str) -> Iterator[Token]:
    position = 0
    for start, end, target in _bare_addresses(text):
        yield from (
            _token(text[position:start]),
            Token("link_open", "a", 1, attrs={"href": target}),
            _token(text[start:end]),
        )
        yield Token("link_close", "a", -1)
        position = end
    yield _token(text[position:])


def _token(text: str) -> Token:
    return Token("text", "", 0, content=text)


def _bare_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the link target of each bare address in the text."""
    for match in _ADDRESS.finditer(text):
        address = match.group()
        while address and (
            address[-1] in _TRAILING_MARKS or (address[-1] in ")]}" and address.count(address[-1]) > _opened(address))
        ):
            address = address[:-1]
        if address:
            is_short = address[:4].lower() == "www."
            scheme = "mailto:" if match["mail"] else "https://" if is_short else ""
            yield match.start(), match.start() + len(address), scheme + address


def _opened(text: str) -> int:
    return text.count({")": "(", "]": "[", "}": "{"}[text[-1]])


class _TextPart:
    """The text part: blank lines between paragraphs, list items and quotes marked as in Markdown."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        # Prefixes of the first and of the further lines of a block, one for each list or quote around it.
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
            self._lines.append("".join(prefix for prefix in self._further if prefix == "> ").rstrip())
        for line in text.split("\n"):
            self._lines.append(("".join(self._first) + line.strip()).rstrip())
            self._first = list(self._further)


def _inline(tokens: list[Token]) -> str:
    """Return the words of a paragraph with the addresses of its links."""
    pieces: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            opened.append((len(pieces), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            index, target = opened.pop()
            pieces[index:] = [_words_with_address("".join(pieces[index:]), target)]
        else:
            pieces.append("\n" if token.type in _BREAKS else token.content)
    return "".join(pieces)


def _words_with_address(words: str, target: str) -> str:
    """Return the linked words with their address, or the address alone if the words add nothing."""
    address = safe_target(target.strip())
    if address is None:
        return words
    visible = address.removeprefix("mailto:").replace(" ", "%20")
    bare = words.strip().removeprefix("mailto:").rstrip("/")
    if bare in {"", visible.rstrip("/"), visible.partition("://")[2].rstrip("/")}:
        return visible
    return f"{words} ({visible})"
