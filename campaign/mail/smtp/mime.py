"""The bytes of a message, written straight from Flask-Mail's fields.

The standard library's generator takes longer over a message than a server takes to accept it. These messages need
little: seven bits, a few headers, text and HTML. No value can end its header (RFC 5322, 2.2; RFC 2047).
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
from email.header import Header
from email.utils import formatdate

from flask_mail import Message

from campaign.domain.typed_text import unix_lines

# Controls, and what some readers take for the end of a line.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_SPACES = re.compile(" {2,}")
_LINE = 76


def write(message: Message) -> bytes:
    """Return the message with CRLF, every line at most 998 octets; the same message is the same bytes each time.

    Raises ValueError unless it has one recipient, a text and an HTML part.
    """
    if len(message.recipients) != 1 or message.cc or message.bcc or message.attachments or not message.body:
        raise ValueError("a message has one recipient, a text and an HTML part")
    headers = [
        ("Subject", _text_header("Subject", message.subject or "")),
        ("From", _sender(str(message.sender))),
        ("To", _recipient(str(message.recipients[0]))),
        *((("Reply-To", _recipient(str(message.reply_to))),) if message.reply_to else ()),
        ("Date", formatdate(message.date)),
        ("Message-ID", _one_line(str(message.msgId))),
        *((_name(name), _plain_header(name, str(value))) for name, value in (message.extra_headers or {}).items()),
        ("MIME-Version", "1.0"),
    ]
    # Quoted-printable never holds "=_", so the boundary cannot occur in a part (RFC 2045, 6.7).
    boundary = "=_" + hashlib.sha256(str(message.msgId).encode()).hexdigest()[:32]
    headers.append(("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
    parts = [_part("plain", message.body)]
    if message.html:
        parts.append(_part("html", message.html))
    fence = f"\r\n--{boundary}".encode()
    return head + b"".join(fence + b"\r\n" + part for part in parts) + fence + b"--\r\n"


def _part(subtype: str, text: str) -> bytes:
    """Return the part in quoted-printable, or in base64 where that is shorter: for Arabic or Russian by half."""
    content = unix_lines(text).encode("utf-8", "replace")
    encoding, body = "quoted-printable", binascii.b2a_qp(content, istext=True)
    if len(body) > len(content) * 4 // 3:
        encoding, body = "base64", base64.encodebytes(content.replace(b"\n", b"\r\n"))
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + body.replace(b"\n", b"\r\n")


def _one_line(value: str) -> str:
    """Return the value with spaces for line breaks: a header that it tries to add becomes text."""
    return _BREAKS.sub(" ", value).strip()


@functools.lru_cache(maxsize=512)
def _text_header(name: str, value: str) -> str:
    """Return unstructured text, encoded and folded where it has to be (RFC 2047)."""
    value = _SPACES.sub(" ", _one_line(value))
    if value.isascii() and len(name) + 2 + len(value) <= _LINE and "=?" not in value:
        return value
    value = value.encode("utf-8", "replace").decode()
    return Header(value, "utf-8", maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


@functools.lru_cache(maxsize=16)
def _sender(value: str) -> str:
    """Return the value of TOCSIN_MAIL_FROM as a header: everything before the last `<` is the name."""
    name, found, rest = _one_line(value).rpartition("<")
    address = _recipient(rest.rstrip("> "))
    name = name.strip().strip('"')
    if not found or not name:
        return address
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{_text_header('From', name)} <{address}>"


def _recipient(value: str) -> str:
    """Return the bare address. Raises ValueError where the header would name another address."""
    if value.isprintable() and not set("<>\r\n") & set(value) and "@" in value:
        return value
    raise ValueError("an address that would not be one in a header")


def _name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("this is no header's name")
    return name


def _plain_header(name: str, value: str) -> str:
    """Return a structured value in ASCII, short enough for one line even with a long link in it.

    Raises ValueError.
    """
    value = _one_line(value)
    if not value.isascii() or len(name) + len(value) > 900:
        raise ValueError(f"the header {name} cannot be written")
    return value
