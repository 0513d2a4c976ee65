"""Running text: paragraphs as Markdown, with the hard wraps taken out and nothing that could run or load."""

from __future__ import annotations

import re
from urllib.parse import unquote

from campaign.document.text.emphasis import links
from campaign.document.text.lines import Ledger, Line, paragraphs, shown
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import has_words

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,1000}>|<!--|-->")
_AUTOLINK = re.compile(r"<(?:https?://[^<>\s]{1,2000}|[^<>\s@]{1,100}@[^<>\s]{1,200})>")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s")
_BESIDE = re.compile(r"[?&,;\s\x00-\x1f]")
_ADDRESS = re.compile(r"[^@%:<>()\[\]\"'\\]{1,100}@[^@%:<>()\[\]\"'\\]{1,200}")
_SCHEME = re.compile(r"^\s*([a-zA-Z][a-zA-Z0-9+.-]{0,30})\s*:")


def markdown(lines: list[Line], ledger: Ledger, by: str) -> str | None:
    """The lines as Markdown paragraphs; each one is marked as taken by the field `by`."""
    texts: list[str] = []
    for group in paragraphs(lines):
        if not any(has_words(line.text) for line in group):
            continue
        safes: list[str] = []
        for line in group:
            ledger.take(line, by)
            safes.append(safe(line, ledger))
        kept = _joined(safes, [line.text for line in group])
        if len(group) > 1 and "<" in kept:  # a tag may be broken over lines
            kept = _tags(kept, group[0].number, ledger)
        kept = kept.strip()
        if kept:
            texts.append(kept)
    return "\n\n".join(texts) or None


def _joined(texts: list[str], written: list[str]) -> str:
    """The lines of a paragraph as one; items of a list and headings keep lines of their own."""
    out = [texts[0].strip()]
    head = out[0]  # of the line that is being joined to
    for text, line in zip(texts[1:], written[1:], strict=True):
        before = out[-1]
        if (
            (_ITEM.match(line) and is_bullet(line))
            or line.lstrip().startswith(("#", ">"))
            or head.lstrip().startswith("#")
        ):
            out[-1] = before.rstrip()
            out += ["\n", text.rstrip()]
        elif before.endswith("\\"):
            out += ["\n", text.strip()]
        elif before.endswith("  "):
            out[-1] = before.rstrip(" ")
            out += ["  \n", text.strip()]
        else:
            out += [" ", text.lstrip()]
            continue
        head = out[-1]
    return "".join(out)


def safe(line: Line, ledger: Ledger) -> str:
    """The line without scripts, tags, images and links that are more than an address, each with a warning."""
    text = line.text
    if "](" in text:
        text = _links(text, line.number, ledger)
    if "<" in text:
        text = _tags(text, line.number, ledger)
    return text


def _links(text: str, number: int, ledger: Ledger) -> str:
    pieces: list[str] = []
    at = 0
    for link in links(text):
        pieces.append(text[at : link.start])
        at = link.end
        if link.is_image:
            ledger.warn("image-dropped", f"an image is left out: {shown(link.text or link.target)}", number)
        elif (target := safe_target(link.target)) is None:
            ledger.warn(
                "link-dropped",
                f"a link that is no web or mail address is left out: {shown(link.target)}",
                number,
            )
            pieces.append(link.text)
        else:
            if target != link.target:
                ledger.warn(
                    "mail-headers-dropped",
                    f"a mail link carries more than an address: {shown(link.target)}",
                    number,
                )
            pieces.append(
                text[link.start : link.end].replace(link.target, target, 1)
                if target != link.target
                else text[link.start : link.end]
            )
    return "".join(pieces) + text[at:]


def safe_target(target: str) -> str | None:
    """A link's address where it is http, https or a bare mail address, else None."""
    scheme = _SCHEME.match(target)
    if scheme is None:
        return None
    name = scheme[1].lower()
    if name in {"http", "https"}:
        return target
    if name == "mailto":
        # Decoded first: what a mail program decodes may hide a second address or a header.
        address = _BESIDE.split(unquote(target.split(":", 1)[1]), maxsplit=1)[0]
        return f"mailto:{address}" if _ADDRESS.fullmatch(address) else None
    return None


def _tags(text: str, number: int, ledger: Ledger) -> str:
    kept = {match.start(): match.end() for match in _AUTOLINK.finditer(text)}

    def drop(match: re.Match[str]) -> str:
        if match.start() in kept:
            return match.group()
        ledger.warn("markup-dropped", f"a tag is left out: {shown(match.group())}", number)
        return " " if match.group().lower().startswith("<br") else ""

    return _TAG.sub(drop, text)
