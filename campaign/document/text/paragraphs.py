"""Running text as Markdown paragraphs, without hard wraps, scripts, images and unsafe links."""

from __future__ import annotations

import re
from urllib.parse import unquote

from campaign.document.text.emphasis import find_links
from campaign.document.text.lines import Line, LineTracker, excerpt, split_paragraphs
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import has_words

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,1000}>|<!--|-->")
_AUTOLINK = re.compile(r"<(?:https?://[^<>\s]{1,2000}|[^<>\s@]{1,100}@[^<>\s]{1,200})>")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s")
_MAIL_ADDRESS_END = re.compile(r"[?&,;\s\x00-\x1f]")
_MAIL_ADDRESS = re.compile(r"[^@%:<>()\[\]\"'\\]{1,100}@[^@%:<>()\[\]\"'\\]{1,200}")
_SCHEME = re.compile(r"^\s*([a-zA-Z][a-zA-Z0-9+.-]{0,30})\s*:")


def to_markdown(lines: list[Line], tracker: LineTracker) -> str | None:
    """Return the lines as Markdown paragraphs, or None, and mark each line as used."""
    texts: list[str] = []
    for group in split_paragraphs(lines):
        if not any(has_words(line.text) for line in group):
            continue
        safe_lines: list[str] = []
        for line in group:
            tracker.mark_used(line)
            safe_lines.append(safe_text(line, tracker))
        paragraph = _join_lines(safe_lines, [line.text for line in group])
        if len(group) > 1 and "<" in paragraph:  # a tag may span several lines
            paragraph = _drop_tags(paragraph, group[0].number, tracker)
        paragraph = paragraph.strip()
        if paragraph:
            texts.append(paragraph)
    return "\n\n".join(texts) or None


def _join_lines(texts: list[str], original_texts: list[str]) -> str:
    """Return the lines of a paragraph joined into one; list items, headings and quotes stay on lines of their own."""
    pieces = [texts[0].strip()]
    line_start = pieces[0]  # the first piece of the joined line
    for text, line in zip(texts[1:], original_texts[1:], strict=True):
        before = pieces[-1]
        if (
            (_LIST_ITEM.match(line) and is_bullet(line))
            or line.lstrip().startswith(("#", ">"))
            or line_start.lstrip().startswith("#")
        ):
            pieces[-1] = before.rstrip()
            pieces += ["\n", text.rstrip()]
        elif before.endswith("\\"):
            pieces += ["\n", text.strip()]
        elif before.endswith("  "):
            pieces[-1] = before.rstrip(" ")
            pieces += ["  \n", text.strip()]
        else:
            pieces += [" ", text.lstrip()]
            continue
        line_start = pieces[-1]
    return "".join(pieces)


def safe_text(line: Line, tracker: LineTracker) -> str:
    """Return the line without scripts, tags, images and unsafe links, with a warning for each."""
    text = line.text
    if "](" in text:
        text = _safe_links(text, line.number, tracker)
    if "<" in text:
        text = _drop_tags(text, line.number, tracker)
    return text


def _safe_links(text: str, line_number: int, tracker: LineTracker) -> str:
    """Return the text without images and unsafe links, with a warning for each."""
    pieces: list[str] = []
    position = 0
    for link in find_links(text):
        pieces.append(text[position : link.start])
        position = link.end
        if link.is_image:
            tracker.warn("image-dropped", f"an image is left out: {excerpt(link.text or link.target)}", line_number)
        elif (target := safe_target(link.target)) is None:
            tracker.warn(
                "link-dropped",
                f"a link that is no web or mail address is left out: {excerpt(link.target)}",
                line_number,
            )
            pieces.append(link.text)
        else:
            if target != link.target:
                tracker.warn(
                    "mail-headers-dropped",
                    f"a mail link carries more than an address: {excerpt(link.target)}",
                    line_number,
                )
            pieces.append(
                text[link.start : link.end].replace(link.target, target, 1)
                if target != link.target
                else text[link.start : link.end]
            )
    return "".join(pieces) + text[position:]


def safe_target(target: str) -> str | None:
    """Return a link's address if it is http, https or a bare mail address, else None."""
    scheme = _SCHEME.match(target)
    if scheme is None:
        return None
    name = scheme[1].lower()
    if name in {"http", "https"}:
        return target
    if name == "mailto":
        # Percent-encoding may hide a second address or a header, since mail programs decode it.
        address = _MAIL_ADDRESS_END.split(unquote(target.split(":", 1)[1]), maxsplit=1)[0]
        return f"mailto:{address}" if _MAIL_ADDRESS.fullmatch(address) else None
    return None


def _drop_tags(text: str, line_number: int, tracker: LineTracker) -> str:
    """Return the text without tags, with a warning for each; addresses in angle brackets stay."""
    autolinks = {match.start(): match.end() for match in _AUTOLINK.finditer(text)}

    def drop(match: re.Match[str]) -> str:
        if match.start() in autolinks:
            return match.group()
        tracker.warn("markup-dropped", f"a tag is left out: {excerpt(match.group())}", line_number)
        return " " if match.group().lower().startswith("<br") else ""

    return _TAG.sub(drop, text)
