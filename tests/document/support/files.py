"""OpenDocument, RTF, HTML and mail files made by the tests, so that no binary file is in the repository."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from html import escape
from io import BytesIO

from tests.document.support.builders import EMPHASIS, docx

_NAMESPACES = "".join(
    f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"), ("text", "text"), ("style", "style"), ("table", "table"), ("draw", "drawing"),
        ("fo", "xsl-fo-compatible"), ("manifest", "manifest"),
    )
) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'  # fmt: skip
_STYLES = "".join(
    f'<style:style style:name="T{bold + 2 * italic}" style:family="text">'
    "<style:text-properties"
    f' fo:font-weight="{weight}" fo:font-style="{posture}"/></style:style>'
    for italic, posture in enumerate(("normal", "italic"))
    for bold, weight in enumerate(("normal", "bold"))
)
_MIME = "application/vnd.oasis.opendocument."
Styler = Callable[[str, int, int], str]


def _styled(line: str, style: Styler) -> str:
    """Return the line with each text between stars as `style` writes it: its text, whether bold, whether italic."""
    bold = italic = 0
    pieces: list[str] = []
    for piece in EMPHASIS.split(re.sub(r"^#+ ", "", line.rstrip())):
        if EMPHASIS.fullmatch(piece):
            bold ^= len(piece) >= 2
            italic ^= len(piece) != 2
        elif piece:
            pieces.append(style(piece, bold, italic))
    return "".join(pieces)


def odt(
    markdown: str,
    *,
    header: str = "",
    footer: str = "",
    body: str = "",
    mime: str = "text",
    manifest: str = "",
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """Return a minimal OpenDocument file: each line is a paragraph, and stars become bold and italic."""

    def style(text: str, bold: int, italic: int) -> str:
        return f'<text:span text:style-name="T{bold + 2 * italic}">{escape(text)}</text:span>'

    paragraphs = "".join(f"<text:p>{_styled(line, style)}</text:p>" for line in markdown.strip("\n").split("\n"))
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{_NAMESPACES}>'
        f"<office:automatic-styles>{_STYLES}</office:automatic-styles>"
        f"<office:body><office:text>{paragraphs}{body}</office:text></office:body></office:document-content>"
    )
    margins = "".join(
        f"<style:{name}><text:p>{escape(text)}</text:p></style:{name}>"
        for name, text in (("header", header), ("footer", footer))
        if text
    )
    styles = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-styles{_NAMESPACES}><office:master-styles>'
        f'<style:master-page style:name="Standard">{margins}</style:master-page></office:master-styles>'
        "</office:document-styles>"
    )
    parts = {
        "content.xml": content.encode(),
        "styles.xml": styles.encode(),
        "META-INF/manifest.xml": f"<manifest:manifest{_NAMESPACES}>{manifest}</manifest:manifest>".encode(),
        **(extra or {}),
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", _MIME + mime)
        for name, data in parts.items():
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def rtf(markdown: str, *, header: str = "", footer: str = "") -> bytes:
    """Return a minimal RTF file: each line is a paragraph, and stars become bold and italic."""

    def style(text: str, bold: int, italic: int) -> str:
        return "{" + r"\b " * bold + r"\i " * italic + _rtf_text(text) + "}"

    margins = "".join(
        "{" + rf"\{name} {_rtf_text(text)}\par" + "}" for name, text in (("header", header), ("footer", footer)) if text
    )
    paragraphs = "".join(_styled(line, style) + "\\par\r\n" for line in markdown.strip("\n").split("\n"))
    return (r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}" + margins + paragraphs + "}").encode("ascii")


def _rtf_text(text: str) -> str:
    pieces: list[str] = []
    for char in re.sub(r"([\\{}])", r"\\\1", text):
        code = ord(char)
        if code < 128:
            pieces.append(char)
        elif code < 256:
            pieces.append(rf"\'{code:02x}")
        else:
            units = char.encode("utf-16-le")
            pieces += [
                rf"\u{int.from_bytes(units[place : place + 2], 'little', signed=True)}?"
                for place in range(0, len(units), 2)
            ]
    return "".join(pieces)


def html(markdown: str, *, head: str = "", lines: str = "breaks") -> bytes:
    """Return a web page; the lines of a paragraph are split by `breaks`, or each is a paragraph of its own (`p`)."""

    def style(text: str, bold: int, italic: int) -> str:
        return "<b>" * bold + "<em>" * italic + escape(text) + "</em>" * italic + "</b>" * bold

    blocks: list[str] = []
    for block in re.split(r"\n[ \t]*\n", markdown.strip("\n")):
        texts = [_styled(line, style) for line in block.split("\n")]
        if lines == "breaks":
            blocks.append(f"<p>{'<br>'.join(texts)}</p>")
        else:
            blocks.append("".join(f"<p class=MsoNormal>{text}</p>" for text in texts) + "<p>&nbsp;</p>")
    body = "\n".join(blocks)
    return f'<!DOCTYPE html><html><head><meta charset="utf-8">{head}</head><body>{body}</body></html>'.encode()


def mail(
    text: str | None,
    *,
    html_part: bytes | None = None,
    attachments: dict[str, bytes] | None = None,
    subject: str = "Fwd: for your section",
) -> bytes:
    """Return a mail as mail programs save it; its text is in quoted-printable, its attachments in base64."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@section.example", "b@section.example", subject
    message["Message-ID"] = "<1@section.example>"
    if text is not None:
        message.set_content(text, cte="quoted-printable")
    if html_part is not None:
        if text is None:
            message.set_content(html_part.decode(), subtype="html", cte="quoted-printable")
        else:
            message.add_alternative(html_part.decode(), subtype="html", cte="quoted-printable")
    for name, data in (attachments or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


MAKERS: dict[str, Callable[[str], bytes]] = {
    "case.docx": docx,
    "case.odt": odt,
    "case.rtf": rtf,
    "case.html": html,
    "case.md": str.encode,
    "case.eml": lambda markdown: mail("", html_part=html(markdown)),
}
