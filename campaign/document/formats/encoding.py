"""Decoding of text files without a declared encoding.

A byte order mark decides. Without one, a file with zero bytes is UTF-16, valid UTF-8 is UTF-8, and any other file is
Windows-1252.
"""

from __future__ import annotations

import codecs
import re

from campaign.document.errors import DocumentError

# All control characters except tabs, line ends, Ctrl-Z (the end of a file in DOS) and escape.
_CONTROL_BYTES = bytes(sorted(frozenset(range(32)) - {9, 10, 11, 12, 13, 26, 27}))
_CONTROL_CHARACTER = re.compile(f"[{re.escape(_CONTROL_BYTES.decode())}]")


def decode(data: bytes, name: str) -> str:
    """Return the text of a file without a declared encoding.

    `name` is the file's name in error messages. Raises DocumentError if the bytes are not text in one of the encodings.
    """
    for byte_order_mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(byte_order_mark):
            return _decode_strictly(data[len(byte_order_mark) :], encoding, name)
    if b"\x00" in data[:4000]:
        return _decode_strictly(data, _detect_utf16(data[:4000], name), name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _is_broken_utf8(data, error):
            raise DocumentError(
                "unreadable", f"{name} is damaged: it is UTF-8, but not at byte {error.start + 1}"
            ) from None
        text = data.decode("cp1252", errors="replace")
        if data != data.translate(None, _CONTROL_BYTES) or text.count("\ufffd") > len(text) // 100:
            raise DocumentError("not-supported", f"{name} is not a text, Word or PDF document") from None
    if _CONTROL_CHARACTER.search(text):
        raise DocumentError("not-supported", f"{name} is not a text, Word or PDF document")
    return text


def _is_broken_utf8(data: bytes, error: UnicodeDecodeError) -> bool:
    """Return whether the bytes are UTF-8 that was truncated or mixed with another encoding, and not Windows-1252.

    In damaged UTF-8, the valid multi-byte characters outnumber the errors. In Windows-1252 hardly any two neighbouring
    letters form a valid multi-byte character.
    """
    if error.start >= len(data) - 3 and not data[: error.start].isascii():
        return True
    # The first byte of a truncated character. As Windows-1252 it would be Â or Ã, with which texts seldom end.
    if data[error.start :] in {b"\xc2", b"\xc3"}:
        return True
    text = data.decode("utf-8", errors="replace")
    error_count = text.count("\ufffd")
    return sum(char > "\x7f" for char in text) - error_count > error_count


def _decode_strictly(data: bytes, encoding: str, name: str) -> str:
    """Return the text. Raises DocumentError if the bytes are not in that encoding or have control characters."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise DocumentError("unreadable", f"{name} is damaged: it is not valid {encoding.upper()}") from None
    if _CONTROL_CHARACTER.search(text):
        raise DocumentError("not-supported", f"{name} is not a text, Word or PDF document")
    return text


def _detect_utf16(head: bytes, name: str) -> str:
    """Return the encoding of UTF-16 text without a byte order mark: `utf-16-le` or `utf-16-be`.

    In Western text every second byte is zero. Raises DocumentError if the zeros have no such pattern.
    """
    even_zeros, odd_zeros = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd_zeros > half * 0.6 and even_zeros < half * 0.1:
        return "utf-16-le"
    if even_zeros > half * 0.6 and odd_zeros < half * 0.1:
        return "utf-16-be"
    raise DocumentError("not-supported", f"{name} is not a text, Word or PDF document")
