"""Markdown that staff write in a mail, as HTML with linked addresses and as plain text.

In a document (`markup`) line breaks come from typesetting and are dropped. In a mail they are the author's and stay.
Readers of the text part cannot click on words, so it shows the addresses. Both parts come from the same parsing.
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
# Marks after an address that end a sentence or close a bracket. They are not part of the address.
_TRAILING_MARKS = ".,;:!?'\"»”’…*_"
_MARK = re.compile(r"[*_]")
_BREAKS = {"softbreak", "hardbreak"}
_BULLET = "- "
_OPTIONS = {"html": False, "breaks": True}


def message_html(markdown: str) -> str:
    """Return safe HTML, with links on bare addresses and with the author's line breaks."""
    return clean_html(_parser().render(_escape_addresses(markdown)))


def message_text(markdown: str) -> str:
    """Return the text without Markdown; the address of a link follows its words in brackets."""
    return _TextPartWriter().render(_text_parser().parse(_escape_addresses(markdown)))


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
    parser = _configured(MarkdownIt("commonmark", _OPTIONS))
    parser.core.ruler.push("bare_addresses", lambda state: _replace_inline_tokens(state.tokens, _link_bare_addresses))
    return parser


@cache
def _text_parser() -> MarkdownIt:
    return _configured(_UnchangedLinks("commonmark", _OPTIONS))


def _configured(parser: MarkdownIt) -> MarkdownIt:
    """Return the parser without code blocks, tables and pictures."""
    parser.disable(["code", "fence", "table"], True)
    parser.core.ruler.push("pictures", lambda state: _replace_inline_tokens(state.tokens, _without_pictures))
    return parser


def _replace_inline_tokens(tokens: list[Token], change: Callable[[list[Token]], Iterable[Token]]) -> None:
    for token in tokens:
        if token.children:
            token.children = list(change(token.children))


def _without_pictures(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens with each picture replaced by its alternative text or, without one, by its link.

    Mails of this application load no pictures.
    """
    target = ""
    for token in tokens:
        if token.type in {"link_open", "link_close"}:
            target = str(token.attrs.get("href", ""))
        yield _text_token(token.content or target) if token.type == "image" else token


def _link_bare_addresses(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens with links on the bare addresses that are not in a link already."""
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and not depth:
            yield from _linked_tokens(token.content)
        else:
            yield token


def _linked_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a text with links on its bare addresses."""
    position = 0
    for start, end, target in _bare_addresses(text):
        yield from (
            _text_token(text[position:start]),
            Token("link_open", "a", 1, attrs={"href": target}),
            _text_token(text[start:end]),
        )
        yield Token("link_close", "a", -1)
        position = end
    yield _text_token(text[position:])


def _text_token(text: str) -> Token:
    return Token("text", "", 0, content=text)


def _bare_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the link target of each bare address in the text."""
    for match in _ADDRESS.finditer(text):
        address = match.group()
        while address and (
            address[-1] in _TRAILING_MARKS
            or (address[-1] in ")]}" and address.count(address[-1]) > _count_opening_brackets(address))
        ):
            address = address[:-1]
        if address:
            has_no_scheme = address[:4].lower() == "www."
            scheme = "mailto:" if match["mail"] else "https://" if has_no_scheme else ""
            yield match.start(), match.start() + len(address), scheme + address


def _count_opening_brackets(text: str) -> int:
    return text.count({")": "(", "]": "[", "}": "{"}[text[-1]])


class _TextPartWriter:
    """A writer of the text part: blank lines between paragraphs, list items and quotes marked as in Markdown."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        # Prefixes of the first and of the further lines of a block, one for each list or quote around it.
        self._first_prefixes: list[str] = []
        self._further_prefixes: list[str] = []
        self._item_numbers: list[int | None] = []

    def render(self, tokens: list[Token]) -> str:
        """Return the text of a document's tokens."""
        is_tight = False
        for token in tokens:
            if token.type in {"bullet_list_open", "ordered_list_open"}:
                start = token.attrs.get("start", 1) if token.type == "ordered_list_open" else None
                self._item_numbers.append(None if start is None else int(start))
            elif token.type in {"bullet_list_close", "ordered_list_close"}:
                self._item_numbers.pop()
                is_tight = False
            elif token.type in {"list_item_open", "blockquote_open"}:
                self._open_block("> " if token.type == "blockquote_open" else self._marker())
            elif token.type in {"list_item_close", "blockquote_close"}:
                self._first_prefixes.pop()
                self._further_prefixes.pop()
            elif token.type == "hr":
                self._add_text("---", is_tight=False)
            elif token.type == "paragraph_open":
                is_tight = token.hidden and is_tight
            elif token.type == "inline":
                self._add_text(_inline_text(token.children or []), is_tight=is_tight)
            elif token.type == "paragraph_close":
                is_tight = token.hidden
        return "\n".join(self._lines).strip()

    def _open_block(self, marker: str) -> None:
        self._first_prefixes.append(marker)
        self._further_prefixes.append(marker if marker == "> " else " " * len(marker))

    def _marker(self) -> str:
        """Return the marker of the next list item, and count it in a numbered list."""
        number = self._item_numbers[-1]
        if number is None:
            return _BULLET
        self._item_numbers[-1] = number + 1
        return f"{number}. "

    def _add_text(self, text: str, *, is_tight: bool) -> None:
        """Add a paragraph; in a tight list no blank line separates it from the one above."""
        if self._lines and not is_tight:
            self._lines.append("".join(prefix for prefix in self._further_prefixes if prefix == "> ").rstrip())
        for line in text.split("\n"):
            self._lines.append(("".join(self._first_prefixes) + line.strip()).rstrip())
            self._first_prefixes = list(self._further_prefixes)


def _inline_text(tokens: list[Token]) -> str:
    """Return the words of a paragraph with the addresses of its links."""
    pieces: list[str] = []
    open_links: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            open_links.append((len(pieces), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            index, target = open_links.pop()
            pieces[index:] = [_words_with_address("".join(pieces[index:]), target)]
        else:
            pieces.append("\n" if token.type in _BREAKS else token.content)
    return "".join(pieces)


def _words_with_address(words: str, target: str) -> str:
    """Return the linked words with their address, or the address alone if the words add nothing."""
    address = safe_target(target.strip())
    if address is None:
        return words
    visible_address = address.removeprefix("mailto:").replace(" ", "%20")
    trimmed_words = words.strip().removeprefix("mailto:").rstrip("/")
    if trimmed_words in {"", visible_address.rstrip("/"), visible_address.partition("://")[2].rstrip("/")}:
        return visible_address
    return f"{words} ({visible_address})"
