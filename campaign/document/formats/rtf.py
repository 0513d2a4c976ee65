"""RTF as lines: striprtf gives the text of the body, and of the page headers, footers and footnotes."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from campaign.document.errors import DocumentError
from campaign.document.text.address_lines import spread_paragraphs
from campaign.document.text.lines import Line, require_text
from campaign.document.text.paragraphs import safe_target

# The bytes of a picture, as hexadecimal digits over many lines; striprtf would read them one by one.
_PICTURE_DATA = re.compile(r"[0-9a-fA-F\r\n]{400,}")
_CELL_END = re.compile(r"\\(?:nest)?cell(?![a-z])")
_LINK = re.compile(
    r'\{\\field(?![a-z]).{0,80}?\\fldinst(?![a-z])[^"]{0,200}?HYPERLINK[^"]{0,120}"([^"{}\x00-\x1f]{1,400})"', re.DOTALL
)
_PAGE_TEXT_START = re.compile(r"\{\\(header|footer|footnote)[lrf]?(?![a-z])")
_BRACE = re.compile(r"\\[{}\\]|[{}]")
_MAX_GROUP = 50_000  # characters of a link, or of the text of a page's margin
# A link in the text between these characters: its words, and behind them its address.
_LINK_MARKS = ("\x01", "\x02", "\x03")
_MARKED_LINK = re.compile("\x01([^\x01\x02\x03\n]{1,500})\x02([^\x01\x02\x03\n]{1,400})\x03")
_LINK_MARK = re.compile("[\x01\x02\x03]")


def read_rtf(data: bytes, name: str) -> list[Line]:
    """Return the document's lines, its page headers first, its footers last.

    Raises DocumentError if it cannot be read or has no text, and MemoryError.
    """
    rtf = data.decode("latin-1")
    try:
        body = [line.strip() for line in _text(rtf).split("\n")]
        if notes := _page_texts(rtf, "footnote"):
            body += ["", *notes]
        headers, footers = _page_texts(rtf, "header"), _page_texts(rtf, "footer")
    except MemoryError:
        raise
    # A damaged file can raise ValueError, LookupError and others in striprtf.
    except Exception as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as RTF") from error
    if rtf.rstrip("\x00 \r\n")[-1:] != "}":
        raise DocumentError("unreadable", f"{name} is damaged: its end is missing")
    require_text(body, name, has_pictures="\\pict" in rtf)
    texts = [(text, True) for text in headers] + [("", False)]
    texts += [(text, False) for text in spread_paragraphs(body)] + [("", False)]
    texts += [(text, True) for text in footers]
    return [Line(number, text, is_margin=is_margin) for number, (text, is_margin) in enumerate(texts, start=1)]


def _text(rtf: str) -> str:
    """Return the text with Markdown links, and with a line for each paragraph, line break and table cell."""
    marked = _mark_links(_CELL_END.sub(r"\\line ", _PICTURE_DATA.sub("", _LINK_MARK.sub("", rtf))))
    # Characters outside Unicode's first plane come in two halves.
    text = rtf_to_text(marked, errors="replace").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _LINK_MARK.sub("", _MARKED_LINK.sub(_markdown_link, text))


def _mark_links(rtf: str) -> str:
    """Return the RTF with the address of each link behind its words, in the marks of a link."""
    before, inside, after = _LINK_MARKS
    pieces: list[str] = []
    position = 0
    for link in _LINK.finditer(rtf):
        end = _group_end(rtf, link.start())
        if link.start() >= position and end is not None:
            # striprtf would add the address by a search of its own, whose time grows with the square of the text.
            field = rtf[link.start() : end].replace("HYPERLINK", "")
            pieces += [rtf[position : link.start()], before, field, inside, link[1], after]
            position = end
    return "".join(pieces) + rtf[position:].replace("HYPERLINK", "")


def _markdown_link(match: re.Match[str]) -> str:
    """Return a link in Markdown, or its words alone if it leads to no web or mail address."""
    words, target = match[1], match[2].strip()
    is_safe = safe_target(target) is not None and not set(target) & set("()<> ")
    return f"[{words.strip()}]({target})" if is_safe and words.strip() else words


def _page_texts(rtf: str, kind: str) -> list[str]:
    """Return the lines of the page headers, footers or footnotes, without repeats."""
    texts: dict[str, None] = {}
    for start in _PAGE_TEXT_START.finditer(rtf):
        end = _group_end(rtf, start.start()) if start[1] == kind else None
        if end is not None:
            # Without its first word the group is no header any more, but text of the same code page and fonts.
            content = _preamble(rtf) + "{" + rtf[start.end() : end] + "}"
            texts.update(dict.fromkeys(line for part in _text(content).split("\n") if (line := " ".join(part.split()))))
    return list(texts)


def _preamble(rtf: str) -> str:
    """Return the beginning of the file with its code page and fonts, as far as its first paragraph."""
    end = rtf.find("\\fonttbl")
    group_start = rtf.rfind("{", 0, end) if end >= 0 else -1
    group_end = _group_end(rtf, group_start) if group_start >= 0 else None
    return rtf[:group_end] if group_end is not None else rtf[: rtf.find("\\", 6)]


def _group_end(rtf: str, start: int) -> int | None:
    """Return the position behind the group that begins at `start`, or None if it is longer than such groups are."""
    depth = 0
    for brace in _BRACE.finditer(rtf, start, start + _MAX_GROUP):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if not depth:
            return brace.end()
    return None
