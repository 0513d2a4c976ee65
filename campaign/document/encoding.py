"""Bytes become text: UTF-8 first, UTF-16 by its mark or its zeros, else Windows-1252."""

from __future__ import annotations

import codecs

from .errors import DocumentError

_CONTROL = frozenset(range(32)) - {9, 10, 11, 12, 13, 26, 27}


def decode(data: bytes, name: str) -> str:
    """The text of a file without a declared encoding.

    Raises DocumentError where it is no text in any of the three.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, name)
    if b"\x00" in data[:4000]:
        return _strict(data, _zeros(data[:4000], name), name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        if sum(byte in _CONTROL for byte in data) or text.count("\ufffd") > len(text) // 100:
            raise DocumentError("not-supported", f"{name} is no text, Word or PDF document") from None
    if sum(ord(char) in _CONTROL for char in text):
        raise DocumentError("not-supported", f"{name} is no text, Word or PDF document")
    return text


def _strict(data: bytes, encoding: str, name: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise DocumentError("unreadable", f"{name} is damaged: it is not the {encoding.upper()} it says") from None
    if sum(ord(char) in _CONTROL for char in text):
        raise DocumentError("not-supported", f"{name} is no text, Word or PDF document")
    return text


def _zeros(head: bytes, name: str) -> str:
    """UTF-16 without a mark: Western text has its zeros at every second byte."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be"
    raise DocumentError("not-supported", f"{name} is no text, Word or PDF document")
