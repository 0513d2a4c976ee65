"""Conversion of a document's Markdown into safe HTML (by an allow-list) or plain text.

The documents are untrusted: no script, image, `javascript:` or `data:` link, and no header hidden in a `mailto:` link
remains.
"""

from __future__ import annotations

import re
from functools import cache

import nh3
from markdown_it import MarkdownIt

from campaign.document.text.emphasis import plain_text
from campaign.document.text.paragraphs import safe_target

_ALLOWED_TAGS = {"p", "em", "strong", "a", "ul", "ol", "li", "blockquote", "h3", "h4", "br"}
_STAR_INSIDE_WORD = re.compile(r"(?<=[^\W_])\*(?=[^\W_])")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?=\s)", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n\s*\n")


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(
        ["image", "code", "fence", "table"], True
    )


def _safe_attribute(tag: str, name: str, value: str) -> str | None:
    """Return the attribute's value if it is a link to http, https or a bare mail address, else None."""
    if tag == "a" and name == "href":
        return safe_target(value.replace("%20", " ").strip())
    return None


def to_html(markdown: str) -> str:
    """Return the HTML of a summary or background, safe for pages and mails."""
    return clean_html(_parser().render(prepare_markdown(markdown)))


def prepare_markdown(markdown: str) -> str:
    """Return the Markdown with headings lowered to level 3 and 4, and stars inside words escaped."""
    text = _STAR_INSIDE_WORD.sub(r"\\*", markdown.replace("\x00", ""))
    return _HEADING.sub(lambda match: "###" if len(match[1]) <= 2 else "####", text)


def clean_html(html: str) -> str:
    """Return the HTML filtered by the allow-list: no script, image or style, links to web and mail addresses only."""
    return nh3.clean(
        html,
        tags=_ALLOWED_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        attribute_filter=_safe_attribute,
        link_rel="noopener noreferrer",
    ).strip()


def to_plain(markdown: str) -> str:
    """Return the text without Markdown, with blank lines between paragraphs, for mails and PDF."""
    paragraphs = [
        "\n".join(plain_text(line) for line in paragraph.splitlines())
        for paragraph in _BLANK_LINES.split(markdown.strip())
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph.strip())
