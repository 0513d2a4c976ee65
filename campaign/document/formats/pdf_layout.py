"""From lines with their places on a page to lines in reading order, with Markdown marks.

Columns are read one after the other, what every page repeats stands once, page numbers not at all, and a line that
reaches the edge of its column says so, for then its break is the page's and not the author's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from campaign.document.text.lines import Line
from campaign.document.text.normalise import key

_SAME_ROW = 3.0  # points
_GUTTER = 9.0  # points between columns, at least
_ZONE = 0.12  # of the page's height: where headers and footers stand
_LARGE = 1.35  # times the usual size: a heading
_HEADING_LINES = 4
_CROWDED = 200  # blocks; no page of text has so many, and columns are not looked for among them
_SURE = 3  # so many lines that end at about the same place show where a column ends
_NUMBERED = re.compile(r"^\D{0,12}(\d{1,3})(?:\D{1,5}(\d{1,3}))?\D{0,3}$")

_WANTED = {"": (), "*": ("*",), "**": ("**",), "***": ("*", "**")}
Styled = tuple[str, str]  # a character and the marks around it


@dataclass(frozen=True, slots=True)
class PageRow:
    """A line on a page; `first` is how wide its first word is, in points."""

    chars: list[Styled]
    left: float
    right: float
    first: float

    @property
    def text(self) -> str:
        return "".join(char for char, _ in self.chars)


@dataclass(frozen=True, slots=True)
class PageBlock:
    """Lines that stand together on a page; `height` and `width` are the page's."""

    rows: list[PageRow]
    page: int
    top: float
    bottom: float
    size: float
    height: float
    width: float

    @property
    def left(self) -> float:
        return min(row.left for row in self.rows)

    @property
    def right(self) -> float:
        return max(row.right for row in self.rows)

    @property
    def text(self) -> str:
        return "\n".join(row.text for row in self.rows)


def laid_out(blocks: list[PageBlock]) -> list[Line]:
    """The lines of all pages; numbers count from 1, blank lines part the blocks."""
    body, margins = _furniture(blocks)
    ordered: list[PageBlock] = []
    for _, page in groupby(body, key=lambda block: block.page):
        ordered += _in_order(list(page))
    edges = _edges(ordered)
    sizes = [block.size for block in ordered for _ in block.rows if block.size]
    usual = median(sizes) if sizes else 0.0
    lines: list[Line] = []
    for block in ordered:
        written = _written(block, usual, edges)
        if lines and not _goes_on(lines, written):
            lines.append(Line(0, ""))
        lines += written
    for block in margins:
        lines += [Line(0, ""), *(Line(0, row.text.strip(), is_margin=True) for row in block.rows)]
    return [replace(line, number=number) for number, line in enumerate(lines, start=1)]


def _furniture(blocks: list[PageBlock]) -> tuple[list[PageBlock], list[PageBlock]]:
    """The blocks of the text, and once each what pages repeat at the foot or, from the second page on, at the head."""
    last = max((block.page for block in blocks), default=1)
    seen = Counter(name for block in blocks if (name := _zone(block)))
    body: list[PageBlock] = []
    margins: list[PageBlock] = []
    met: set[tuple[str, str]] = set()
    for block in blocks:
        name = _zone(block)
        if name and _is_page_number(block.text, block.page, last):
            continue
        if name is None or seen[name] < 2 or (name[0] == "head" and block.page == 1):
            body.append(block)
        elif name not in met:
            margins.append(block)
        if name:
            met.add(name)
    return body, margins


def _zone(block: PageBlock) -> tuple[str, str] | None:
    """Which end of its page a block stands at, and what it says there but for numbers; None for the text between."""
    is_head, is_foot = block.bottom > block.height * (1 - _ZONE), block.top < block.height * _ZONE
    if len(block.rows) > 3 or not (is_head or is_foot):
        return None
    return "head" if is_head else "foot", re.sub(r"\d+", "#", key(block.text))


def _is_page_number(text: str, page: int, last: int) -> bool:
    found = _NUMBERED.match(text.strip())
    if found is None or len(key(text).split()) > 4:
        return False
    return int(found[1]) == page and (found[2] is None or int(found[2]) >= last)


def _in_order(blocks: list[PageBlock]) -> list[PageBlock]:
    """The blocks of a page as they are read: from top to bottom, columns one after the other."""
    blocks = sorted(blocks, key=lambda block: (-round(block.top / _SAME_ROW), block.left))
    if len(blocks) > _CROWDED:
        return blocks
    found: list[PageBlock] = []
    for group in _groups(_bands(blocks)):
        edge = _gutter(group)
        if edge is None:
            found += _side_by_side(group)
        else:
            found += _in_order([block for block in group if block.right <= edge])
            found += _in_order([block for block in group if block.right > edge])
    return found


def _bands(blocks: list[PageBlock]) -> list[list[PageBlock]]:
    """The blocks parted wherever a white strip crosses the whole page."""
    bands: list[list[PageBlock]] = []
    bottom = 0.0
    for block in blocks:
        if bands and block.top > bottom:
            bands[-1].append(block)
            bottom = min(bottom, block.bottom)
        else:
            bands.append([block])
            bottom = block.bottom
    return bands


def _groups(bands: list[list[PageBlock]]) -> list[list[PageBlock]]:
    """Bands with the same columns together; what stands under them on one side only is theirs at a page's end alone."""
    groups: list[list[PageBlock]] = []
    at = 0
    while at < len(bands):
        end = at + 1
        if _gutter(bands[at]) is not None:
            while end < len(bands) and _gutter([block for band in bands[at : end + 1] for block in band]) is not None:
                end += 1
            while end < len(bands) and end > at + 1 and _gutter(bands[end - 1]) is None:
                end -= 1
        groups.append([block for band in bands[at:end] for block in band])
        at = end
    return groups


def _gutter(blocks: list[PageBlock]) -> float | None:
    """Where the first column ends, if a white strip parts these blocks into columns of more than one line."""
    edge = 0.0
    ordered = sorted(blocks, key=lambda block: block.left)
    for at, block in enumerate(ordered):
        if at and block.left - edge >= _GUTTER and _is_column(ordered[:at]) and _is_column(ordered[at:]):
            return edge
        edge = max(edge, block.right)
    return None


def _is_column(blocks: list[PageBlock]) -> bool:
    return (
        any(len(block.rows) > 1 for block in blocks)
        and max(block.right for block in blocks) - min(block.left for block in blocks) > 0.12 * blocks[0].width
    )


def _side_by_side(blocks: list[PageBlock]) -> list[PageBlock]:
    """Single lines beside one another, a word and its value, become one."""
    merged: list[PageBlock] = []
    for block in blocks:
        before = merged[-1] if merged else None
        if before and len(before.rows) == len(block.rows) == 1 and abs(before.top - block.top) <= _SAME_ROW:
            one, two = before.rows[0], block.rows[0]
            row = PageRow([*one.chars, (" ", ""), *two.chars], one.left, two.right, one.first)
            merged[-1] = replace(before, rows=[row])
        else:
            merged.append(block)
    return merged


def _edges(blocks: Iterable[PageBlock]) -> dict[int, float]:
    """Where the columns end, by where they begin: the place that enough of their lines reach."""
    ends: dict[int, list[float]] = {}
    margin = min((block.left for block in blocks), default=0.0)
    widest: dict[int, float] = {}
    for block in blocks:
        column = round(block.left / 10)
        ends.setdefault(column, []).extend(row.right for row in block.rows)
        widest[column] = block.width - margin
    edges: dict[int, float] = {}
    for column, rights in ends.items():
        far = max(rights)
        length = far - column * 10
        filled = sum(right > far - 0.08 * length for right in rights) >= _SURE and length > 0.3 * widest[column]
        edges[column] = far if filled else max(far, widest[column])
    return edges


def _written(block: PageBlock, usual: float, edges: dict[int, float]) -> list[Line]:
    """The block's lines; text larger than usual is a heading."""
    if usual and block.size > _LARGE * usual and len(block.rows) <= _HEADING_LINES:
        return [Line(0, "## " + " ".join(re.sub(r"\u00ad\n|(?<=\w-)\n(?=\w)", "", block.text).split()))]
    edge = edges[round(block.left / 10)]
    texts = emphasised([row.chars for row in block.rows]).split("\n")
    # In a narrow column many a line ends near the edge; only in small letters, or in capitals, it surely goes on.
    is_wide = edge - block.left > block.width / 2
    full = [
        row.right + after.first + block.size / 4 > edge + 1
        and (is_wide or after.text[:1].islower() or (row.text.isupper() and after.text.isupper()))
        for row, after in pairwise(block.rows)
    ]
    return [Line(0, text, is_full=is_full) for text, is_full in zip(texts, [*full, False], strict=True)]


def _goes_on(before: list[Line], after: list[Line]) -> bool:
    """Whether a paragraph was broken by the end of a page or column."""
    last = before[-1].text.rstrip(" *_")
    return len(last) > 40 and (last[-1:].isalnum() or last[-1:] in ",-") and after[0].text.lstrip("*_")[:1].islower()


def emphasised(rows: list[list[Styled]]) -> str:
    """The lines with marks where bold and italic begin and end, over line ends too."""
    stream: list[Styled] = []
    for number, row in enumerate(rows):
        stream += [("\n", "")] if number else []
        stream += row
    out: list[str] = []
    space = ""
    opened: list[str] = []
    for char, marks in stream:
        if char.isspace():
            space += char
            continue
        wanted = _WANTED[marks]
        while any(mark not in wanted for mark in opened):
            out.append(opened.pop())
        out.append(space)
        space = ""
        for mark in wanted:
            if mark not in opened:
                opened.append(mark)
                out.append(mark)
        out.append(char)
    return "".join([*out, *reversed(opened)])
