"""OpenDocument texts as lines: odfdo gives the elements and styles, which become HTML and then Markdown.

Pictures, comments and deleted passages are left out; footnotes follow the text.
"""

from __future__ import annotations

from html import escape

from odfdo import Document, Element, Style

from campaign.document.errors import DocumentError
from campaign.document.formats.archive import repack_members, unpack_members
from campaign.document.formats.html_writer import MarkdownWriter
from campaign.document.text.lines import Line, require_text

_MIME_TYPE = b"application/vnd.oasis.opendocument.text"
_READ_MEMBERS = ("mimetype", "content.xml", "styles.xml")
_MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    f' manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{_MIME_TYPE.decode()}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
_EMPTY_STYLES = (
    b'<?xml version="1.0"?><office:document-styles'
    b' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.2"/>'
)
_SKIPPED_TAGS = {"office:annotation", "text:tracked-changes", "text:note-citation", "text:ruby-text"}
_HTML_TAGS = {"text:p": "p", "text:h": "h2", "text:list-item": "li", "table:table-cell": "td", "text:span": "span"}
_MAX_SPACES = 8  # of those that one element stands for
_MAX_PARENT_STYLES = 5


def read_odt(data: bytes, name: str) -> list[Line]:
    """Return the document's lines with Markdown emphasis, its page headers first, its footers last.

    Raises DocumentError if it cannot be read as an OpenDocument text or unpacks to more than the limit, and
    MemoryError.
    """
    try:
        members = unpack_members(data, name, "content.xml")
        _check_members(members, name)
        document = Document(repack_members(_needed_members(members)))
        html = _HtmlOfDocument(document)
        writer = MarkdownWriter(collapses_spaces=True)
        writer.feed(html.body())
        writer.close()
        body = writer.lines()
        headers, footers = html.page_texts("header"), html.page_texts("footer")
    except (DocumentError, MemoryError):
        raise
    # A damaged file can raise any exception in the zip, XML or style reader.
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as OpenDocument") from error
    require_text(body, name, has_pictures=writer.picture_count > 0)
    texts = [(text, True) for text in headers] + [("", False)]
    texts += [(text, False) for text in body] + [("", False)]
    texts += [(text, True) for text in footers]
    return [Line(number, text, is_margin=is_margin) for number, (text, is_margin) in enumerate(texts, start=1)]


def _check_members(members: dict[str, bytes], name: str) -> None:
    """Refuse encrypted files, spreadsheets and presentations. Raises DocumentError."""
    if b"manifest:encryption-data" in members.get("META-INF/manifest.xml", b""):
        raise DocumentError("encrypted", f"{name} is encrypted; save it without a password")
    if not members.get("mimetype", b"").startswith(_MIME_TYPE):
        raise DocumentError("not-supported", f"{name} is an OpenDocument file but no text")


def _needed_members(members: dict[str, bytes]) -> dict[str, bytes]:
    """Return the members that are read, with a manifest that lists no others."""
    needed = {name: members[name] for name in _READ_MEMBERS if name in members}
    return {"styles.xml": _EMPTY_STYLES, **needed, "META-INF/manifest.xml": _MANIFEST.encode()}


class _HtmlOfDocument:
    """The conversion of one document's elements into HTML."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._css_by_style: dict[tuple[str, str], str] = {}
        self._notes: list[str] = []

    def body(self) -> str:
        """Return the HTML of the text, followed by that of its footnotes."""
        html = self._inner_html(self._document.body)
        return html + "".join(self._notes)

    def page_texts(self, kind: str) -> list[str]:
        """Return the lines of the page headers or footers, without repeats."""
        paragraphs = self._document.styles.get_elements(f"//style:{kind}//text:p")
        texts = (" ".join(_plain_text(paragraph).split()) for paragraph in paragraphs)
        return list(dict.fromkeys(text for text in texts if text))

    def _inner_html(self, element: Element) -> str:
        """Return the HTML of what is inside an element."""
        pieces = [escape(_own_text(element))]
        for child in element.children:
            pieces += [self._html(child), escape(_text_after(child))]
        return "".join(pieces)

    def _html(self, element: Element) -> str:
        """Return the HTML of an element."""
        tag = element.tag
        if tag in _SKIPPED_TAGS:
            return ""
        if tag in {"text:line-break", "draw:image"}:
            return "<br>" if tag == "text:line-break" else "<img>"
        if tag in {"text:s", "text:tab"}:
            return " "
        if tag == "text:note":
            self._notes.append(self._inner_html(element))
            return ""
        inner = self._inner_html(element)
        if tag == "text:a":
            return f'<a href="{escape(str(element.get_attribute("xlink:href") or ""))}">{inner}</a>'
        html_tag = _HTML_TAGS.get(tag)
        if html_tag is None:
            return inner
        css = self._css(element) if tag in {"text:p", "text:span"} else ""
        return f'<{html_tag} style="{css}">{inner}</{html_tag}>'

    def _css(self, element: Element) -> str:
        """Return the emphasis of an element's style, or of the style that it is derived from, as CSS."""
        family = "text" if element.tag == "text:span" else "paragraph"
        name = str(element.get_attribute("text:style-name") or "")
        if (family, name) not in self._css_by_style:
            self._css_by_style[family, name] = self._css_of_style(family, name)
        return self._css_by_style[family, name]

    def _css_of_style(self, family: str, name: str) -> str:
        properties: dict[str, str] = {}
        for _ in range(_MAX_PARENT_STYLES):
            style = self._document.get_style(family, name) if name else None
            if not isinstance(style, Style):
                break
            own = style.get_properties(area="text") or {}
            properties = {**{key: str(value) for key, value in own.items()}, **properties}
            name = str(style.get_attribute("style:parent-style-name") or "")
        css = [f"{key}:{properties[f'fo:{key}']}" for key in ("font-weight", "font-style") if f"fo:{key}" in properties]
        css += ["display:none"] if properties.get("text:display") == "none" else []
        return escape(";".join(css))


def _plain_text(element: Element) -> str:
    """Return the text of a paragraph without its styles."""
    pieces = [_own_text(element)]
    for child in element.children:
        is_space = child.tag in {"text:line-break", "text:tab", "text:s"}
        pieces += [" " if is_space else _plain_text(child), _text_after(child)]
    return "".join(pieces)


def _own_text(element: Element) -> str:
    return element.text or ""


def _text_after(element: Element) -> str:
    return element.tail or ""
