"""Markdown as staff write it in a mail: HTML with live addresses and line breaks, and text that loses neither.

A document's line breaks are its typesetter's (`markup`); in a mail they are the writer's, and who reads the text part
cannot click on words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .emphasis import links, plain
from .markup import cleaned, prepared
from .prose import safe_target

_ADDRESS = re.compile(
    r"(?P<web>\bhttps?://[^\s<>\"]{1,2000}|\bwww\.[^\s<>\"]{1,2000})|(?P<mail>\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
)
_AUTOLINK = re.compile(r"<(https?://[^<>\s]{1,2000}|mailto:[^<>\s]{1,300}|[^<>\s@]{1,100}@[^<>\s]{1,200})>")
# What ends a sentence or a bracket around an address is not its own.
_BEHIND = ".,;:!?'\"»”’…*_"
_BLANK = re.compile(r"\n\s*\n")
# Stands for an address while Markdown's marks are taken off around it; nobody types these.
_HOLDER = re.compile("\ue000(\\d+)\ue001")
Hold = Callable[[str], str]


def message_html(markdown: str) -> str:
    """Return safe HTML: bare addresses are links, and a line that the writer ended ends."""
    return cleaned(_parser().render(prepared(markdown)))


def message_text(markdown: str) -> str:
    """Return the text without Markdown; behind linked words stands their address in brackets."""
    text = markdown.replace("\ue000", "").replace("\ue001", "").strip()
    paragraphs = ["\n".join(map(_line, one.splitlines())) for one in _BLANK.split(text)]
    return "\n\n".join(one for one in paragraphs if one.strip())


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.disable(["image", "code", "fence", "table"], True)
    parser.core.ruler.push("bare_addresses", lambda state: _link(state.tokens))
    return parser


def _link(tokens: list[Token]) -> None:
    for token in tokens:
        if token.children:
            depth, children = 0, list[Token]()
            for child in token.children:
                depth += child.nesting if child.type in {"link_open", "link_close"} else 0
                children += _linked(child.content) if child.type == "text" and not depth else [child]
            token.children = children


def _linked(text: str) -> Iterator[Token]:
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
            scheme = "mailto:" if match["mail"] else "https://" if found.startswith("www.") else ""
            yield match.start(), match.start() + len(found), scheme + found


def _opened(text: str) -> int:
    return text.count({")": "(", "]": "[", "}": "{"}[text[-1]])


def _line(line: str) -> str:
    held: list[str] = []

    def hold(address: str) -> str:
        held.append(address)
        return f"\ue000{len(held) - 1}\ue001"

    pieces: list[str] = []
    at = 0
    for link in links(line):
        pieces += [_held(line[at : link.start], hold), "" if link.is_image else _said(link.text, link.target, hold)]
        at = link.end
    text = plain("".join(pieces) + _held(line[at:], hold)).removesuffix("\\")
    return _HOLDER.sub(lambda match: held[int(match[1])], text).rstrip()


def _held(text: str, hold: Hold) -> str:
    """The text with its bare addresses held, so that no mark in them is taken for Markdown's."""
    text = _AUTOLINK.sub(lambda match: hold(match[1].removeprefix("mailto:")), text)
    pieces: list[str] = []
    at = 0
    for start, end, _ in _bare(text):
        pieces += [text[at:start], hold(text[start:end])]
        at = end
    return "".join(pieces) + text[at:]


def _said(words: str, target: str, hold: Hold) -> str:
    """The linked words and their address; the address alone where the words are it."""
    address = safe_target(target)
    if address is None:
        return words
    shown = address.removeprefix("mailto:")
    if plain(words).removeprefix("mailto:").rstrip("/") in {shown.rstrip("/"), shown.partition("://")[2].rstrip("/")}:
        return hold(shown)
    return f"{words} ({hold(shown)})"
