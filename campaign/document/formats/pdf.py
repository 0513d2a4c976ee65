"""PDF as lines, read by pdfminer.six, which gives the position and font of each line.

So address lines and bold text are recognised. pypdf gives running text only and joins the columns in which the old
template sets its addresses.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from statistics import median
from types import SimpleNamespace
from typing import Any

from pdfminer import pdftypes
from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTContainer, LTPage, LTTextBox, LTTextLine
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect

from campaign.document.errors import DocumentError
from campaign.document.formats.pdf_layout import PageBlock, PageRow, StyledChar, lay_out
from campaign.document.formats.unpack import Unpacker, UnpackLimitError
from campaign.document.text.lines import MAX_CHARACTERS, Line

_PAGES = 40
_UNPACKED = 24 * 1024 * 1024  # bytes
_END_LENGTH = 2048  # bytes; PDF readers look for the end mark in the last 1024
_STREAM = re.compile(rb"stream[ \t]{0,8}(?:\r\n?|\n)")
_PACKED_TWICE = re.compile(rb"/Filter\s{0,20}\[[^\]]{0,200}Fl[^\]]{0,200}Fl")
_LAYOUT = LAParams(line_margin=0.4, boxes_flow=None)


def read_pdf(data: bytes, name: str) -> list[Line]:
    """Return the text layer in reading order, with blank lines where the page has space.

    Raises DocumentError if the file is damaged, encrypted, too large or without a text layer; MemoryError.
    """
    _check(data, name)
    try:
        with _counted_unpacking():
            blocks = _blocks(data)
    except UnpackLimitError:
        raise _too_much(name) from None
    except (PDFPasswordIncorrect, PDFEncryptionError):
        raise DocumentError("encrypted", f"{name} is encrypted; save it without a password") from None
    except MemoryError:
        raise
    # Damaged files raise whatever the parser meets: TypeError, KeyError, struct.error, RecursionError…
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as PDF") from error
    if sum(len(block.text) for block in blocks) > MAX_CHARACTERS:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    if not any(any(char.isalnum() for char in block.text) for block in blocks):
        raise DocumentError("no-text", f"{name} has no text layer: it is scanned; use the text or Word version")
    return lay_out(blocks)


def _check(data: bytes, name: str) -> None:
    """Refuse a truncated file, of which pdfminer would return a part, and a decompression bomb.

    Raises DocumentError.
    """
    if _PACKED_TWICE.search(data.replace(b"#6c", b"l")):
        raise DocumentError("unreadable", f"{name} packs a stream twice, which no Urgent Action does")
    if b"%%EOF" not in data[-_END_LENGTH:]:
        raise DocumentError("unreadable", f"{name} is damaged: its end is missing")
    unpacker = Unpacker(_UNPACKED)
    view = memoryview(data)
    try:
        for match in _STREAM.finditer(data):
            unpacker.measure(view[match.end() :])
    except UnpackLimitError:
        raise _too_much(name) from None


def _too_much(name: str) -> DocumentError:
    return DocumentError("too-large", f"{name} unpacks to more than {_UNPACKED // 2**20} MB")


@contextmanager
def _counted_unpacking() -> Iterator[None]:
    """Count the bytes that pdfminer unpacks: other streams than `_check` finds, or one stream often.

    It also replaces pdfminer's salvage of damaged streams, which copies the whole output for each byte.
    """
    unpacker = Unpacker(_UNPACKED)
    module = vars(pdftypes)
    originals = {name: module[name] for name in ("zlib", "decompress_corrupted")}
    module["zlib"] = SimpleNamespace(decompress=unpacker.unpack, error=zlib.error)
    module["decompress_corrupted"] = unpacker.unpack_damaged
    try:
        yield
    finally:
        module.update(originals)


def _blocks(data: bytes) -> list[PageBlock]:
    """Return the blocks of the pages, at most until they exceed the limit of characters."""
    blocks: list[PageBlock] = []
    length = 0
    for number, page in enumerate(extract_pages(BytesIO(data), maxpages=_PAGES + 1, laparams=_LAYOUT), start=1):
        page_blocks = list(_page_blocks(page, number))
        blocks += page_blocks
        length += sum(len(block.text) for block in page_blocks)
        if length > MAX_CHARACTERS:
            break
    return blocks


def _boxes(container: LTContainer[Any]) -> Iterator[LTTextBox]:
    for item in container:
        if isinstance(item, LTTextBox):
            yield item
        elif isinstance(item, LTContainer):
            yield from _boxes(item)


def _page_blocks(page: LTPage, number: int) -> Iterator[PageBlock]:
    """Yield the boxes of the page that hold text."""
    for box in _boxes(page):
        lines = [line for line in box if line.get_text().strip()]
        sizes = [char.size for line in lines for char in line if isinstance(char, LTChar)]
        if lines:
            size = median(sizes) if sizes else 0.0
            yield PageBlock([_row(line) for line in lines], number, box.y1, box.y0, size, page.height, page.width)


def _row(line: LTTextLine) -> PageRow:
    """Return the line's characters with their marks.

    Repeated spaces become one, since justified lines hold several.
    """
    chars: list[StyledChar] = []
    for item in line:
        marks = _marks(item) if isinstance(item, LTChar) else ""
        for char in item.get_text().replace("\n", ""):
            # Programs that hyphenate give the code of the soft hyphen to every hyphen.
            normal = "-" if char == "\u00ad" else " " if char.isspace() else char
            if normal != " " or (chars and chars[-1][0] != " "):
                chars.append((normal, marks))
    while chars and chars[-1][0] == " ":
        chars.pop()
    if line.get_text().rstrip().endswith("\u00ad"):
        chars[-1] = ("\u00ad", chars[-1][1])
    return PageRow(chars, line.x0, line.x1, _first_word(line))


def _first_word(line: LTTextLine) -> float:
    """Return the width of the line's first word in points."""
    start = end = None
    for item in line:
        if isinstance(item, LTChar) and item.get_text().strip():
            start, end = item.x0 if start is None else start, item.x1
        elif start is not None:
            break
    return (end or 0.0) - (start or 0.0)


def _marks(char: LTChar) -> str:
    font = char.fontname.rsplit("+", 1)[-1].lower()
    bold = any(part in font for part in ("bold", "black", "heavy", "demi"))
    return ("**" if bold else "") + ("*" if "italic" in font or "oblique" in font else "")
