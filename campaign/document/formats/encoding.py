"""Decoding of bytes: UTF-8 first, UTF-16 by its byte order mark or its zero bytes, else Windows-1252."""

from __future__ import annotations

import codecs
import re

from campaign.document.errors import DocumentError

_CONTROL = bytes(sorted(frozenset(range(32)) - {9, 10, 11, 12, 13, 26, 27}))
_CONTROLS = re.compile(f"[{re.escape(_CONTROL.decode())}]")


def decode(data: bytes, name: str) -> str:
    """Return the text of a file without a declared encoding.

    Raises DocumentError if it is no text in any of the three encodings.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, name)
    if b"\x00" in data[:4000]:
        return _strict(data, _utf16_by_zeros(data[:4000], name), name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _is_broken_utf8(data, error):
            raise DocumentError(
                "unreadable", f"{name} is damaged: it is UTF-8, but not at byte {error.start + 1}"
            ) from None
        text = data.decode("cp1252", errors="replace")
        if data != data.translate(None, _CONTROL) or text.count("\ufffd") > len(text) // 100:
            raise DocumentError("not-supported", f"{name} is no text, Word or PDF document") from None
    if _CONTROLS.search(text):
        raise DocumentError("not-supported", f"{name} is no text, Word or PDF document")
    return text


def _is_broken_utf8(data: bytes, error: UnicodeDecodeError) -> bool:
    """Return whether the bytes are damaged UTF-8, not another encoding.

    Damaged means cut off or mixed. Its multi-byte characters then outnumber the errors, since Windows-1252 hardly ever
    holds two letters in a row that form a UTF-8 character.
    """
    if error.start >= len(data) - 3 and not data[: error.start].isascii():
        return True
    if data[error.start :] in {b"\xc2", b"\xc3"}:  # texts seldom end with Â or Ã, cut off ones often do
        return True
    text = data.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    return sum(char > "\x7f" for char in text) - wrong > wrong


def _strict(data: bytes, encoding: str, name: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise DocumentError("unreadable", f"{name} is damaged: it is not the {encoding.upper()} it says") from None
    if _CONTROLS.search(text):
        raise DocumentError("not-supported", f"{name} is no text, Word or PDF document")
    return text


def _utf16_by_zeros(head: bytes, name: str) -> str:
    """Return the byte order of UTF-16 without a mark, for Western text has a zero at every second byte.

    Raises DocumentError if there is no such pattern.
    """
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be"
    raise DocumentError("not-supported", f"{name} is no text, Word or PDF document")
