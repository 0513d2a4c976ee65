"""A mail as a file (`.eml`, `.mht`), split into what can be read of it: its HTML, its text and its attachments.

The standard library's parser decodes transfer encodings and character sets.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import Message
from typing import NamedTuple

from campaign.document.errors import DocumentError

_MAX_PARTS = 12  # that are read; further ones are signatures, calendars and pictures
_HEADER = re.compile(rb"[!-9;-~]{1,76}:[^\n]*\n(?:[ \t][^\n]*\n)*")
_MAX_HEADERS = 400
# A text copied from a mail has a sender and a subject, but none of these.
_ONLY_IN_FILES = re.compile(
    rb"(?:mime-version|message-id|received|return-path|delivered-to|dkim-signature):", re.IGNORECASE
)
_ENCRYPTED_TYPES = {"application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
_HTML_START = codecs.BOM_UTF8 + b"<!doctype html>"
# A mail program broke the line here (RFC 3676). The line of two hyphens above a signature has such an end too.
_FLOWED_END = re.compile(r"(?<!^--) \n(?!--|>|\n)", re.MULTILINE)
_REPLY_WORDS = re.compile(r"(?:(?:re|fwd?|aw|wg|tr|rv|ref?|enc|i|sv|vb|doorst)\s?(?:\[\d\])?:\s*)+", re.IGNORECASE)


class MailPart(NamedTuple):
    """A part of a mail: the content of the file that it would be, its name, and whether it is an attachment."""

    name: str
    data: bytes
    is_attachment: bool


class MailParts(NamedTuple):
    """A mail's subject and its parts."""

    subject: str
    parts: list[MailPart]


def is_mail(data: bytes) -> bool:
    """Return whether a file is a mail with the headers that programs write, and not a text copied from one."""
    if data.startswith(b"From ") and b"\n" in data[:1000]:  # the line that separates the mails of a mailbox
        data = data[data.index(b"\n") + 1 :]
    position = 0
    is_marked = False
    for _ in range(_MAX_HEADERS):
        header = _HEADER.match(data, position)
        if header is None:
            break
        is_marked = is_marked or _ONLY_IN_FILES.match(header.group()) is not None
        position = header.end()
    return is_marked and data[position : position + 2].startswith((b"\n", b"\r\n"))


def split_mail(data: bytes, name: str) -> MailParts:
    """Return the subject, and the parts: the HTML, the text, then the attachments in their order.

    Several texts of one kind, as around an attachment, are one part. A mail inside the mail counts as an attachment.
    Raises DocumentError if the mail is encrypted or damaged.
    """
    try:
        return _split(message_from_bytes(data, policy=policy.default), name)
    except (DocumentError, MemoryError):
        raise
    # The standard library's parser raises ValueError, IndexError and others for damaged headers.
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as a mail") from error


def _split(message: Message, name: str) -> MailParts:
    """Return the subject and the parts of a parsed mail. Raises DocumentError if it is encrypted."""
    texts: dict[str, list[str]] = {"html": [], "plain": []}
    attachments: list[MailPart] = []
    for part in _leaves(message):
        content_type = part.get_content_type()
        if content_type in _ENCRYPTED_TYPES:
            raise DocumentError("encrypted", f"{name} is encrypted; save what it holds")
        if content_type in {"text/html", "text/plain"} and part.get_content_disposition() != "attachment":
            texts[part.get_content_subtype()].append(_text_of(part))
        elif part.get_content_maintype() not in {"image", "audio", "video"} and (content := _content_of(part)).strip():
            attachments.append(MailPart(part.get_filename() or "attachment", content, is_attachment=True))
    bodies = [
        MailPart(name, start + separator.join(texts[kind]).encode("utf-8", "replace"), is_attachment=False)
        for kind, start, separator in (("html", _HTML_START, "<hr>"), ("plain", codecs.BOM_UTF8, "\n\n"))
        if any(text.strip() for text in texts[kind])
    ]
    return MailParts(_subject_of(message), [*bodies, *attachments][:_MAX_PARTS])


def _subject_of(message: Message) -> str:
    """Return the subject without the words that mail programs put before it."""
    return _REPLY_WORDS.sub("", " ".join(str(message.get("subject", "")).split()), count=1)


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold content, at every depth, without those of a mail inside the mail."""
    pending = [message]
    while pending:
        part = pending.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            pending += reversed([child for child in part.get_payload() if isinstance(child, Message)])
        else:
            yield part


def _text_of(part: Message) -> str:
    """Return the text of a part; bytes that its character set does not have are replaced."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        text = content.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, ValueError):
        text = content.decode("utf-8", errors="replace")
    text = text.replace("\x00", "")
    is_flowed = part.get_content_type() == "text/plain" and str(part.get_param("format", "")).lower() == "flowed"
    return _FLOWED_END.sub(" ", text.replace("\r\n", "\n")) if is_flowed else text


def _content_of(part: Message) -> bytes:
    """Return the content of an attachment."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        return inner[0].as_bytes() if isinstance(inner, list) and inner and isinstance(inner[0], Message) else b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
