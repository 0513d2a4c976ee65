"""Web pages as lines: saved from a browser, pasted from its clipboard, or the HTML part of a mail.

nh3 removes everything but text and its structure, as untrusted input requires, and closes what was left open.
"""

from __future__ import annotations

import codecs
import re

import nh3

from campaign.document.formats.encoding import decode
from campaign.document.formats.html_writer import MarkdownWriter
from campaign.document.text.lines import Line, require_text
from campaign.document.text.paragraphs import safe_target

_ALLOWED_TAGS = set(
    "p div span br hr h1 h2 h3 h4 h5 h6 b strong i em a ul ol li dl dt dd table caption thead tbody tfoot tr td th"
    " blockquote pre section article header footer address figure figcaption main aside center img".split()
)
# Menus and forms are furniture of a page; the others show no text, or text of another kind.
_REMOVED_ELEMENTS = set(
    "script style title nav form select button textarea iframe object embed svg math template noscript audio video"
    " canvas applet head".split()
)
_STYLES = {"font-weight", "font-style", "display", "visibility", "mso-hide"}
_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,100}?encoding=[\"']([\w.:-]{1,40})",
    re.IGNORECASE,
)
_CHARSET_WITHIN = 4096  # bytes
_FRAGMENT = re.compile(r"<!--\s*StartFragment\s*-->(.*)<!--\s*EndFragment\s*-->", re.DOTALL)


def read_html(data: bytes, name: str) -> list[Line]:
    """Return the lines of a web page with Markdown emphasis and its links to web and mail addresses.

    Raises DocumentError if the bytes are no text, or if there is none on the page.
    """
    html = _decode(data, name)
    # Browsers mark the copied part of a page between two comments.
    fragment = _FRAGMENT.search(html)
    writer = MarkdownWriter(collapses_spaces=True)
    writer.feed(_sanitised(fragment[1] if fragment else html))
    writer.close()
    texts = writer.lines()
    require_text(texts, name, has_pictures=writer.picture_count > 0)
    return [Line(number, text) for number, text in enumerate(texts, start=1)]


def _decode(data: bytes, name: str) -> str:
    """Return the text in the encoding that a byte order mark or the page names, else as for plain text."""
    declared = _CHARSET.search(data[:_CHARSET_WITHIN])
    if declared and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charset = (declared[1] or declared[2]).decode("ascii").lower()
        # In a page that can be searched for it, UTF-16 cannot be true. Browsers read Latin-1 as Windows-1252.
        charset = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}.get(charset, charset)
        if not charset.startswith(("utf-8", "utf8", "utf-16", "utf-32")) and _is_text_encoding(charset):
            return data.decode(charset, errors="replace").replace("\x00", "")
    return decode(data, name)


def _is_text_encoding(charset: str) -> bool:
    try:
        codec = codecs.lookup(charset)
    except LookupError:
        return False
    return bool(getattr(codec, "_is_text_encoding", False))


def _sanitised(html: str) -> str:
    """Return well-formed HTML with the allowed elements, and with links to web and mail addresses only."""
    return nh3.clean(
        html,
        tags=_ALLOWED_TAGS,
        clean_content_tags=_REMOVED_ELEMENTS,
        attributes={**{tag: {"style", "hidden"} for tag in _ALLOWED_TAGS}, "a": {"href", "style", "hidden"}},
        attribute_filter=_safe_attribute,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )


def _safe_attribute(tag: str, name: str, value: str) -> str | None:
    """Return the attribute's value, or None for a link that the reader of text would refuse."""
    if name != "href":
        return value
    target = value.strip().replace(" ", "%20")
    return target if safe_target(target) is not None and not re.search(r"[()<>\s]", target) else None
