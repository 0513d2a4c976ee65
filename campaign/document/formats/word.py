"""DOCX as lines: mammoth converts the body to HTML, which becomes Markdown; pictures and macros are left out.

Word has the reference line in the page header, which mammoth leaves out, so headers are read separately.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import mammoth

from campaign.document.errors import DocumentError
from campaign.document.formats.archive import repack_members, unpack_members
from campaign.document.formats.html_writer import MarkdownWriter
from campaign.document.text.lines import Line, require_text

_WORD_NAMESPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


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
        writer = MarkdownWriter()
        writer.feed(result.value)
        writer.close()
        body = writer.lines()
    except (DocumentError, MemoryError):
        raise
    # A damaged file can raise any exception in the zip, XML or style reader: KeyError, struct.error, ParseError…
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as DOCX") from error
    has_pictures = any(member.startswith("word/media/") for member in members)
    require_text(body if has_pictures else [*headers, *body, *footers], name, has_pictures=has_pictures)
    texts = [(text, True) for text in headers] + [("", False)]
    texts += [(text, False) for text in body] + [("", False)]
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
