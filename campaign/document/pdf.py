"""PDF as lines, by pdfminer.six: it gives each line its place and font, so that address lines and bold survive.

pypdf gives running text only and joins the columns that the old template sets its addresses in.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from statistics import median

from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTContainer, LTPage, LTTextBox, LTTextLine
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect

from .errors import DocumentError

_PAGES = 40
_UNPACKED = 24 * 1024 * 1024  # bytes
_CHARACTERS = 400_000
_STREAM = re.compile(rb"stream\r?\n")
_TWICE = re.compile(rb"/Filter\s{0,20}\[[^\]]{0,200}Fl[^\]]{0,200}Fl")
_LAYOUT = LAParams(line_margin=0.4, boxes_flow=None)
_SAME_ROW = 3.0  # points
_LARGE = 1.35  # times the usual size: a heading
_HEADING_LINES = 4

Styled = tuple[str, str]  # a character and the marks around it


def read_pdf(data: bytes, name: str) -> str:
    """The text layer in reading order, with blank lines where the page leaves space.

    Raises DocumentError where it is damaged, encrypted, too large or has no text layer.
    """
    _check(data, name)
    blocks: list[_Block] = []
    try:
        for page in extract_pages(BytesIO(data), maxpages=_PAGES + 1, laparams=_LAYOUT):
            if page.pageid and blocks and len(blocks[-1].text) > _CHARACTERS:
                break
            blocks += _page(page)
            if sum(len(block.text) for block in blocks) > _CHARACTERS:
                break
    except (PDFPasswordIncorrect, PDFEncryptionError):
        raise DocumentError("encrypted", f"{name} is encrypted; save it without a password") from None
    # Damaged files raise whatever the parser meets: TypeError, KeyError, struct.error, RecursionError…
    except (Exception, RecursionError) as error:
        raise DocumentError("unreadable", f"{name} is damaged: it cannot be read as PDF") from error
    if sum(len(block.text) for block in blocks) > _CHARACTERS:
        raise DocumentError("too-large", f"{name} holds more text than an Urgent Action can")
    if not any(any(char.isalnum() for char in block.text) for block in blocks):
        raise DocumentError("no-text", f"{name} has no text layer: it is scanned; use the text or Word version")
    return _written(blocks)


def _check(data: bytes, name: str) -> None:
    """Refuses a decompression bomb before the parser unpacks it."""
    if _TWICE.search(data.replace(b"#6c", b"l")):
        raise DocumentError("unreadable", f"{name} packs a stream twice, which no Urgent Action does")
    total = 0
    for match in _STREAM.finditer(data):
        packer = zlib.decompressobj()
        try:
            total += len(packer.decompress(data[match.end() :], _UNPACKED + 1 - total))
        except zlib.error:
            continue
        if total > _UNPACKED:
            raise DocumentError("too-large", f"{name} unpacks to more than {_UNPACKED // 2**20} MB")


class _Block:
    """Lines that stand together on a page."""

    def __init__(self, lines: list[list[Styled]], top: float, left: float, size: float) -> None:
        self.lines = lines
        self.top = top
        self.left = left
        self.size = size

    @property
    def text(self) -> str:
        return "\n".join("".join(char for char, _ in line) for line in self.lines)


def _boxes(container: LTContainer) -> Iterator[LTTextBox]:  # type: ignore[type-arg]
    for item in container:
        if isinstance(item, LTTextBox):
            yield item
        elif isinstance(item, LTContainer):
            yield from _boxes(item)


def _page(page: LTPage) -> list[_Block]:
    """The blocks of a page from top to bottom; single lines beside one another become one."""
    blocks: list[_Block] = []
    for box in _boxes(page):
        lines = list(box)
        styled = [each for each in (_styled(line) for line in lines) if any(char.strip() for char, _ in each)]
        if styled:
            sizes = [char.size for line in lines for char in line if isinstance(char, LTChar)]
            blocks.append(_Block(styled, box.y1, box.x0, median(sizes) if sizes else 0.0))
    blocks.sort(key=lambda block: (-round(block.top / _SAME_ROW), block.left))
    merged: list[_Block] = []
    for block in blocks:
        before = merged[-1] if merged else None
        if before and len(before.lines) == len(block.lines) == 1 and abs(before.top - block.top) <= _SAME_ROW:
            before.lines[0] += [(" ", ""), *block.lines[0]]
        else:
            merged.append(block)
    return merged


def _styled(line: LTTextLine) -> list[Styled]:
    found: list[Styled] = []
    for item in line:
        text = item.get_text() if hasattr(item, "get_text") else ""
        if text == "\n":
            continue
        found += [(char, _marks(item) if isinstance(item, LTChar) else "") for char in text]
    while found and found[-1][0].isspace():
        found.pop()
    return found


def _marks(char: LTChar) -> str:
    font = char.fontname.rsplit("+", 1)[-1].lower()
    bold = any(part in font for part in ("bold", "black", "heavy", "demi"))
    return ("**" if bold else "") + ("*" if "italic" in font or "oblique" in font else "")


def _written(blocks: list[_Block]) -> str:
    """The blocks as Markdown; text larger than usual is a heading."""
    sizes = [block.size for block in blocks for _ in block.lines if block.size]
    usual = median(sizes) if sizes else 0.0
    out: list[str] = []
    for block in blocks:
        if usual and block.size > _LARGE * usual and len(block.lines) <= _HEADING_LINES:
            out.append("## " + " ".join(block.text.split()))
            continue
        text = _emphasised(block.lines)
        if out and _goes_on(out[-1], text):
            out[-1] += "\n" + text
        else:
            out.append(text)
    return "\n\n".join(out)


def _goes_on(before: str, after: str) -> bool:
    """Whether a paragraph was broken by the end of a page."""
    return len(before) > 200 and before[-1:].isalnum() and after[:1].islower()


def _emphasised(lines: list[list[Styled]]) -> str:
    """The lines with marks where bold and italic begin and end, over line ends too."""
    stream: list[Styled] = []
    for number, line in enumerate(lines):
        stream += [("\n", "")] if number else []
        stream += line
    for at, (char, _) in enumerate(stream):
        if char.isspace() and at:
            stream[at] = (char, stream[at - 1][1])
    pieces: list[str] = []
    for marks, run in groupby(stream, key=lambda each: each[1]):
        text = "".join(char for char, _ in run)
        bare = text.strip()
        if not marks or not bare:
            pieces.append(text)
            continue
        lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        pieces.append(f"{lead}{marks}{bare}{marks[::-1]}{tail}")
    return "".join(pieces)
