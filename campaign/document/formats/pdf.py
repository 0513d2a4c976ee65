"""PDF as lines, by pdfminer.six: it gives each line its place and font, so that address lines and bold survive.

pypdf gives running text only and joins the columns that the old template sets its addresses in.
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
from campaign.document.formats.pdf_layout import PageBlock, PageRow, Styled, laid_out
from campaign.document.formats.unpack import Unpacker, UnpackLimitError
from campaign.document.text.lines import MOST_CHARACTERS, Line

_PAGES = 40
_UNPACKED = 24 * 1024 * 1024  # bytes
_TAIL = 2048  # bytes; readers look for the end in the last 1024
_STREAM = re.compile(rb"stream[ \t]{0,8}(?:\r\n?|\n)")
_TWICE = re.compile(rb"/Filter\s{0,20}\[[^\]]{0,200}Fl[^\]]{0,200}Fl")
_LAYOUT = LAParams(line_margin=0.4, boxes_flow=None)


def read_pdf(data: bytes, name: str) -> list[Line]:
    """The text layer in reading order, with blank lines where the page leaves space.

    Raises DocumentError where it is damaged, encrypted, too large or has no text layer; MemoryError.
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
    if sum(len(block.text) for block in blocks) > MOST_CHARACTERS:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    if not any(any(char.isalnum() for char in block.text) for block in blocks):
        raise DocumentError("no-text", f"{name} has no text layer: it is scanned; use the text or Word version")
    return laid_out(blocks)


def _check(data: bytes, name: str) -> None:
    """Refuses half a file, of which the parser would give what it finds, and a decompression bomb."""
    if _TWICE.search(data.replace(b"#6c", b"l")):
        raise DocumentError("unreadable", f"{name} packs a stream twice, which no Urgent Action does")
    if b"%%EOF" not in data[-_TAIL:]:
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
    """Let pdfminer count what it unpacks, which may be other streams than `_check` finds, or one stream often.

    Its own way to save a damaged stream copies all that it has with each byte.
    """
    unpacker = Unpacker(_UNPACKED)
    names = vars(pdftypes)
    before = {name: names[name] for name in ("zlib", "decompress_corrupted")}
    names["zlib"] = SimpleNamespace(decompress=unpacker.whole, error=zlib.error)
    names["decompress_corrupted"] = unpacker.salvaged
    try:
        yield
    finally:
        names.update(before)


def _blocks(data: bytes) -> list[PageBlock]:
    """The blocks of the pages, until there are too many characters."""
    blocks: list[PageBlock] = []
    length = 0
    for number, page in enumerate(extract_pages(BytesIO(data), maxpages=_PAGES + 1, laparams=_LAYOUT), start=1):
        found = list(_page(page, number))
        blocks += found
        length += sum(len(block.text) for block in found)
        if length > MOST_CHARACTERS:
            break
    return blocks


def _boxes(container: LTContainer[Any]) -> Iterator[LTTextBox]:
    for item in container:
        if isinstance(item, LTTextBox):
            yield item
        elif isinstance(item, LTContainer):
            yield from _boxes(item)


def _page(page: LTPage, number: int) -> Iterator[PageBlock]:
    """The page's boxes that hold text."""
    for box in _boxes(page):
        lines = [line for line in box if line.get_text().strip()]
        sizes = [char.size for line in lines for char in line if isinstance(char, LTChar)]
        if lines:
            size = median(sizes) if sizes else 0.0
            yield PageBlock([_row(line) for line in lines], number, box.y1, box.y0, size, page.height, page.width)


def _row(line: LTTextLine) -> PageRow:
    """The line's characters with their marks; each space once, for justified lines hold several."""
    found: list[Styled] = []
    for item in line:
        marks = _marks(item) if isinstance(item, LTChar) else ""
        for char in item.get_text().replace("\n", ""):
            # Programs that break words give the soft hyphen's code to the glyph of every hyphen.
            plain = "-" if char == "\u00ad" else " " if char.isspace() else char
            if plain != " " or (found and found[-1][0] != " "):
                found.append((plain, marks))
    while found and found[-1][0] == " ":
        found.pop()
    if line.get_text().rstrip().endswith("\u00ad"):
        found[-1] = ("\u00ad", found[-1][1])
    return PageRow(found, line.x0, line.x1, _first_word(line))


def _first_word(line: LTTextLine) -> float:
    """How wide the line's first word is, in points."""
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
