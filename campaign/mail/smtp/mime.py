"""The bytes of a message, written directly from Flask-Mail's fields.

The standard library's generator takes longer to write a message than a server takes to accept it. These messages need
only seven-bit content, a few headers, text and HTML. No value can add a header (RFC 5322, 2.2; RFC 2047).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from email.header import Header
from email.utils import formatdate

from flask_mail import Message

from campaign.domain.typed_text import unix_lines

# Control characters, and characters that some programs treat as the end of a line.
_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_SPACES = re.compile(" {2,}")
_LINE_LENGTH = 76


def write(message: Message) -> bytes:
    """Return the message with CRLF line ends and lines of at most 998 octets. Equal messages give equal bytes.

    Raises ValueError unless the message has one recipient and a text, and neither copies nor attachments, or where a
    header is invalid.
    """
    if len(message.recipients) != 1 or message.cc or message.bcc or message.attachments or not message.body:
        raise ValueError("a message has one recipient and a text, and neither copies nor attachments")
    headers = [
        ("Subject", _text_header("Subject", message.subject or "")),
        ("From", _sender(str(message.sender))),
        ("To", _recipient(str(message.recipients[0]))),
        *((("Reply-To", _recipient(str(message.reply_to))),) if message.reply_to else ()),
        ("Date", formatdate(message.date)),
        ("Message-ID", _one_line(str(message.msgId))),
        *(
            (_header_name(name), _structured_header(name, str(value)))
            for name, value in (message.extra_headers or {}).items()
        ),
        ("MIME-Version", "1.0"),
    ]
    # Quoted-printable never contains "=_", so the boundary cannot occur in a part (RFC 2045, 6.7).
    boundary = "=_" + hashlib.sha256(str(message.msgId).encode()).hexdigest()[:32]
    headers.append(("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
    parts = [_part("plain", message.body)]
    if message.html:
        parts.append(_part("html", message.html))
    delimiter = f"\r\n--{boundary}".encode()
    return head + b"".join(delimiter + b"\r\n" + part for part in parts) + delimiter + b"--\r\n"


def _part(subtype: str, text: str) -> bytes:
    """Return the part in quoted-printable, or in base64 where that is shorter, as for Arabic or Russian."""
    content = unix_lines(text).encode("utf-8", "replace")
    encoding, body = "quoted-printable", binascii.b2a_qp(content, istext=True)
    if len(body) > len(content) * 4 // 3:
        encoding, body = "base64", base64.encodebytes(content.replace(b"\n", b"\r\n"))
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + body.replace(b"\n", b"\r\n")


def _one_line(value: str) -> str:
    """Return the value with spaces for line breaks, so that it cannot add a header."""
    return _LINE_BREAKS.sub(" ", value).strip()


def _text_header(name: str, value: str) -> str:
    """Return the text as the value of a header: encoded and folded where it is long or not ASCII (RFC 2047)."""
    value = _SPACES.sub(" ", _one_line(value))
    if value.isascii() and len(name) + 2 + len(value) <= _LINE_LENGTH and "=?" not in value:
        return value
    value = value.encode("utf-8", "replace").decode()
    return Header(value, "utf-8", maxlinelen=_LINE_LENGTH, header_name=name).encode(linesep="\r\n")


def _sender(value: str) -> str:
    """Return the value of TOCSIN_MAIL_FROM as a header value. Everything before the last `<` is the name."""
    name, bracket, address_part = _one_line(value).rpartition("<")
    address = _recipient(address_part.rstrip("> "))
    name = name.strip().strip('"')
    if not bracket or not name:
        return address
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{_text_header('From', name)} <{address}>"


def _recipient(value: str) -> str:
    """Return the address unchanged. Raises ValueError where it has no @, an angle bracket or a control character.

    A mail program could read another address from such a header.
    """
    if value.isprintable() and not set("<>") & set(value) and "@" in value:
        return value
    raise ValueError("an address that is not valid in a header")


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("not a valid header name")
    return name


def _structured_header(name: str, value: str) -> str:
    """Return the value in one line. Raises ValueError where it is not ASCII, or too long for a header line."""
    value = _one_line(value)
    if not value.isascii() or len(name) + len(value) > 900:
        raise ValueError(f"the header {name} cannot be written")
    return value
