"""Reading of PDF files as lines, with pdfminer.six.

pdfminer gives the position and font of each line, so that address lines and bold text can be recognised. pypdf gives
only running text, and joins the columns of addresses in the old document template.
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
from pdfminer.layout import LAParams, LTChar, LTContainer, LTFigure, LTPage, LTTextBox, LTTextLine
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect

from campaign.document.errors import DocumentError
from campaign.document.formats.pdf_layout import PageBlock, PageRow, StyledChar, lay_out
from campaign.document.formats.unpack import Unpacker, UnpackLimitError
from campaign.document.text.lines import MAX_CHARACTERS, Line

_MAX_PAGES = 40
_MIN_LETTERS = 100  # on a page; a scanning program adds fewer to the picture of a page, such as its name
_SCANNED_SHARE = 0.5  # of the page that its picture covers
_MAX_UNPACKED = 24 * 1024 * 1024  # bytes
_END_MARK_WITHIN = 2048  # bytes at the end that are searched for the end mark; PDF readers search 1024
_STREAM = re.compile(rb"stream[ \t]{0,8}(?:\r\n?|\n)")
# A list of filters with FlateDecode twice, by its long or short name.
_DOUBLE_FLATE = re.compile(rb"/Filter\s{0,20}\[[^\]]{0,200}Fl[^\]]{0,200}Fl")
_LAYOUT = LAParams(line_margin=0.4, boxes_flow=None)


def read_pdf(data: bytes, name: str) -> list[Line]:
    """Return the lines of the text layer in reading order, with a blank line between blocks.

    `name` is the file's name in error messages. Raises DocumentError if the file is damaged, encrypted, too large or
    without a text layer, and MemoryError.
    """
    _check_file(data, name)
    try:
        with _limited_unpacking():
            blocks, picture_pages = _read_blocks(data, name)
    except UnpackLimitError:
        raise _too_large(name) from None
    except (PDFPasswordIncorrect, PDFEncryptionError):
        raise DocumentError("encrypted", f"{name} is encrypted; save it without a password") from None
    except (DocumentError, MemoryError):
        raise
    # Damaged files cause many kinds of exception in pdfminer: TypeError, KeyError, struct.error, RecursionError…
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as PDF") from error
    if sum(len(block.text) for block in blocks) > MAX_CHARACTERS:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    letter_count = sum(char.isalnum() for block in blocks for char in block.text)
    if not letter_count or letter_count < _MIN_LETTERS * picture_pages:
        raise DocumentError("no-text", f"{name} has no text layer: it is scanned; use the text or Word version")
    return lay_out(blocks)


def _check_file(data: bytes, name: str) -> None:
    """Refuse truncated files, which pdfminer would read in part, and decompression bombs. Raises DocumentError."""
    # A PDF name may spell the “l” of FlateDecode as #6c.
    if _DOUBLE_FLATE.search(data.replace(b"#6c", b"l")):
        raise DocumentError("unreadable", f"{name} packs a stream twice, which no Urgent Action does")
    if b"%%EOF" not in data[-_END_MARK_WITHIN:]:
        raise DocumentError("unreadable", f"{name} is damaged: its end is missing")
    unpacker = Unpacker(_MAX_UNPACKED)
    view = memoryview(data)
    try:
        for match in _STREAM.finditer(data):
            unpacker.measure(view[match.end() :])
    except UnpackLimitError:
        raise _too_large(name) from None


def _too_large(name: str) -> DocumentError:
    return DocumentError("too-large", f"{name} unpacks to more than {_MAX_UNPACKED // 2**20} MB")


@contextmanager
def _limited_unpacking() -> Iterator[None]:
    """Limit the bytes that pdfminer unpacks: it may read a stream that `_check_file` does not find, or one repeatedly.

    This also replaces pdfminer's recovery of damaged streams, which copies the whole output for each byte.
    """
    unpacker = Unpacker(_MAX_UNPACKED)
    namespace = vars(pdftypes)
    originals = {name: namespace[name] for name in ("zlib", "decompress_corrupted")}
    namespace["zlib"] = SimpleNamespace(decompress=unpacker.unpack, error=zlib.error)
    namespace["decompress_corrupted"] = unpacker.unpack_damaged
    try:
        yield
    finally:
        namespace.update(originals)


def _read_blocks(data: bytes, name: str) -> tuple[list[PageBlock], int]:
    """Return the text blocks of the pages, and how many pages are one picture.

    It ends at the page on which the blocks exceed MAX_CHARACTERS. Raises DocumentError if the file has more than
    `_MAX_PAGES` pages, since no text may be lost unnoticed.
    """
    blocks: list[PageBlock] = []
    length = picture_pages = 0
    for page_number, page in enumerate(
        extract_pages(BytesIO(data), maxpages=_MAX_PAGES + 1, laparams=_LAYOUT), start=1
    ):
        if page_number > _MAX_PAGES:
            raise DocumentError(
                "too-large", f"{name} has more than {_MAX_PAGES} pages; save those of the Urgent Action"
            )
        page_blocks = list(_page_blocks(page, page_number))
        blocks += page_blocks
        picture_pages += _is_one_picture(page)
        length += sum(len(block.text) for block in page_blocks)
        if length > MAX_CHARACTERS:
            break
    return blocks, picture_pages


def _is_one_picture(page: LTPage) -> bool:
    """Return whether a picture covers most of the page, as on a scanned one."""
    pictures = [item for item in page if isinstance(item, LTFigure)]
    return any(item.width * item.height > _SCANNED_SHARE * page.width * page.height for item in pictures)


def _text_boxes(container: LTContainer[Any]) -> Iterator[LTTextBox]:
    """Yield the text boxes in a container, including those in nested containers."""
    for item in container:
        if isinstance(item, LTTextBox):
            yield item
        elif isinstance(item, LTContainer):
            yield from _text_boxes(item)


def _page_blocks(page: LTPage, page_number: int) -> Iterator[PageBlock]:
    """Yield a block for each text box of the page that is not blank."""
    for box in _text_boxes(page):
        lines = [line for line in box if line.get_text().strip()]
        sizes = [char.size for line in lines for char in line if isinstance(char, LTChar)]
        if lines:
            font_size = median(sizes) if sizes else 0.0
            yield PageBlock(
                [_page_row(line) for line in lines], page_number, box.y1, box.y0, font_size, page.height, page.width
            )


def _page_row(line: LTTextLine) -> PageRow:
    """Return the line's characters with their Markdown marks.

    Repeated spaces become one, since justified lines have several between words.
    """
    chars: list[StyledChar] = []
    for item in line:
        marks = _markdown_marks(item) if isinstance(item, LTChar) else ""
        for char in item.get_text().replace("\n", ""):
            # Some programs that hyphenate encode every hyphen as a soft hyphen.
            plain_char = "-" if char == "\u00ad" else " " if char.isspace() else char
            if plain_char != " " or (chars and chars[-1][0] != " "):
                chars.append((plain_char, marks))
    while chars and chars[-1][0] == " ":
        chars.pop()
    # A hyphen at the end of the line stays a soft one, since it may break a word.
    if line.get_text().rstrip().endswith("\u00ad"):
        chars[-1] = ("\u00ad", chars[-1][1])
    return PageRow(chars, line.x0, line.x1, _first_word_width(line))


def _first_word_width(line: LTTextLine) -> float:
    """Return the width of the line's first word in points."""
    start = end = None
    for item in line:
        if isinstance(item, LTChar) and item.get_text().strip():
            start, end = item.x0 if start is None else start, item.x1
        elif start is not None:
            break
    return (end or 0.0) - (start or 0.0)


def _markdown_marks(char: LTChar) -> str:
    """Return the Markdown marks for the character's font: `**` for bold, `*` for italic."""
    font = char.fontname.rsplit("+", 1)[-1].lower()  # without the prefix of a font subset
    is_bold = any(part in font for part in ("bold", "black", "heavy", "demi"))
    return ("**" if is_bold else "") + ("*" if "italic" in font or "oblique" in font else "")
