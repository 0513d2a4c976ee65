"""Reading order of positioned lines: from lines on a page to lines of text with Markdown marks.

Columns are read one after the other. Text that every page repeats appears once, page numbers not at all. A line that
reaches the edge of its column is marked as full, since the layout and not the author ended it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from campaign.document.text.lines import Line
from campaign.document.text.normalise import normalised

_ROW_TOLERANCE = 3.0  # points; lines whose tops differ by less are side by side
_SAME_EDGE = 3.0  # points; blocks whose left edges differ by less are in one column
_MIN_GUTTER = 9.0  # points between columns
_MARGIN_HEIGHT = 0.12  # of the page's height, at its top and its bottom
_HEADING_RATIO = 1.35  # to the usual font size; larger text is a heading
_MAX_HEADING_LINES = 4
_MAX_COLUMN_BLOCKS = 200  # blocks; a page of text has fewer, and above it the search for columns is skipped
_MIN_FULL_LINES = 3  # full lines that show where a column ends
_NUMBERED = re.compile(r"^\D{0,12}(\d{1,3})(?:\D{1,5}(\d{1,3}))?\D{0,3}$")

_SINGLE_MARKS = {"": (), "*": ("*",), "**": ("**",), "***": ("*", "**")}
StyledChar = tuple[str, str]  # a character and the marks around it


@dataclass(frozen=True, slots=True)
class PageRow:
    """A line on a page; `first_word_width` is the width of its first word in points."""

    chars: list[StyledChar]
    left: float
    right: float
    first_word_width: float

    @property
    def text(self) -> str:
        """Return the characters without their marks."""
        return "".join(char for char, _ in self.chars)


@dataclass(frozen=True, slots=True)
class PageBlock:
    """Lines that belong together on a page; `page_height` and `page_width` are those of the page, in points."""

    rows: list[PageRow]
    page: int
    top: float
    bottom: float
    font_size: float
    page_height: float
    page_width: float

    @property
    def left(self) -> float:
        """Return the left edge in points."""
        return min(row.left for row in self.rows)

    @property
    def right(self) -> float:
        """Return the right edge in points."""
        return max(row.right for row in self.rows)

    @property
    def text(self) -> str:
        """Return the text of the rows, one on each line."""
        return "\n".join(row.text for row in self.rows)


def lay_out(blocks: list[PageBlock]) -> list[Line]:
    """Return the lines of all pages, numbered from 1, with blank lines between the blocks."""
    body, margins = _split_off_margins(blocks)
    ordered: list[PageBlock] = []
    for _, page in groupby(body, key=lambda block: block.page):
        ordered += _reading_order(list(page))
    edges = _column_edges(ordered)
    sizes = [block.font_size for block in ordered for _ in block.rows if block.font_size]
    usual_size = median(sizes) if sizes else 0.0
    lines: list[Line] = []
    for block in ordered:
        block_lines = _block_lines(block, usual_size, edges)
        if lines and not _continues_paragraph(lines, block_lines):
            lines.append(Line(0, ""))
        lines += block_lines
    for block in margins:
        lines += [Line(0, ""), *(Line(0, row.text.strip(), is_margin=True) for row in block.rows)]
    return [replace(line, number=number) for number, line in enumerate(lines, start=1)]


def _split_off_margins(blocks: list[PageBlock]) -> tuple[list[PageBlock], list[PageBlock]]:
    """Return the blocks of the text, and those of the page margins.

    A margin block is repeated by several pages: at the foot, or at the head from the second page on. Each is returned
    once.
    """
    last = max((block.page for block in blocks), default=1)
    counts = Counter(margin_text for block in blocks if (margin_text := _margin_text(block)))
    body: list[PageBlock] = []
    margins: list[PageBlock] = []
    seen_texts: set[tuple[str, str]] = set()
    for block in blocks:
        margin_text = _margin_text(block)
        if margin_text and _is_page_number(block.text, block.page, last):
            continue
        if margin_text is None or counts[margin_text] < 2 or (margin_text[0] == "head" and block.page == 1):
            body.append(block)
        elif margin_text not in seen_texts:
            margins.append(block)
        if margin_text:
            seen_texts.add(margin_text)
    return body, margins


def _margin_text(block: PageBlock) -> tuple[str, str] | None:
    """Return `head` or `foot` for a block in a page margin, and its text without numbers; None for other blocks."""
    is_head, is_foot = (
        block.bottom > block.page_height * (1 - _MARGIN_HEIGHT),
        block.top < block.page_height * _MARGIN_HEIGHT,
    )
    if len(block.rows) > 3 or not (is_head or is_foot):
        return None
    return "head" if is_head else "foot", re.sub(r"\d+", "#", normalised(block.text))


def _is_page_number(text: str, page: int, last: int) -> bool:
    """Return whether the text is the number of this page, alone or with the number of pages."""
    match = _NUMBERED.match(text.strip())
    if match is None or len(normalised(text).split()) > 4:
        return False
    return int(match[1]) == page and (match[2] is None or int(match[2]) >= last)


def _reading_order(blocks: list[PageBlock]) -> list[PageBlock]:
    """Return the blocks of a page in reading order: from top to bottom, columns one after the other."""
    blocks = sorted(blocks, key=lambda block: (-round(block.top / _ROW_TOLERANCE), block.left))
    if len(blocks) <= _MAX_COLUMN_BLOCKS:
        blocks = _join_row_parts(blocks)
    if len(blocks) > _MAX_COLUMN_BLOCKS:
        return blocks
    ordered: list[PageBlock] = []
    for group in _group_bands(_split_into_bands(blocks)):
        edge = _find_gutter(group)
        if edge is None:
            ordered += _merge_side_by_side(group)
        else:
            ordered += _reading_order([block for block in group if block.right <= edge])
            ordered += _reading_order([block for block in group if block.right > edge])
    return ordered


def _join_row_parts(blocks: list[PageBlock]) -> list[PageBlock]:
    """Return the blocks with each single row that is the rest of a row inside another block joined to that row.

    A justified row has gaps so wide that its parts are found as separate blocks. A row that begins where another block
    begins is in a column of its own.
    """
    joined = list(blocks)
    for part in blocks:
        if len(part.rows) > 1 or sum(abs(block.left - part.left) < _SAME_EDGE for block in blocks) > 1:
            continue
        for index, block in enumerate(joined):
            number = None if block is part else _row_that_continues(block, part, blocks)
            if number is not None:
                row, rest = block.rows[number], part.rows[0]
                chars = [*row.chars, (" ", ""), *rest.chars]
                rows = [*block.rows]
                rows[number] = PageRow(chars, row.left, rest.right, row.first_word_width)
                joined[index] = replace(block, rows=rows)
                joined.remove(part)
                break
    return joined


def _row_that_continues(block: PageBlock, part: PageBlock, blocks: list[PageBlock]) -> int | None:
    """Return the index of the block's row that the part continues inside the block's column, or None."""
    column = [other.right for other in blocks if len(other.rows) > 1 and abs(other.left - block.left) < _SAME_EDGE]
    if len(block.rows) < 2 or part.left < block.left or part.right > max(column, default=0) + 1:
        return None
    height = (block.top - block.bottom) / len(block.rows)
    number = round((block.top - part.top) / height) if height > 0 else -1
    if not 0 <= number < len(block.rows) or abs(block.top - number * height - part.top) > _ROW_TOLERANCE:
        return None
    return number if block.rows[number].right <= part.left else None


def _split_into_bands(blocks: list[PageBlock]) -> list[list[PageBlock]]:
    """Return the blocks split wherever a white strip crosses the whole page."""
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


def _group_bands(bands: list[list[PageBlock]]) -> list[list[PageBlock]]:
    """Return the bands grouped by common columns.

    A band without columns of its own joins the columns above it only if it is the last band of the page or if a band
    with columns follows.
    """
    groups: list[list[PageBlock]] = []
    start = 0
    while start < len(bands):
        end = start + 1
        if _find_gutter(bands[start]) is not None:
            while (
                end < len(bands)
                and _find_gutter([block for band in bands[start : end + 1] for block in band]) is not None
            ):
                end += 1
            while end < len(bands) and end > start + 1 and _find_gutter(bands[end - 1]) is None:
                end -= 1
        groups.append([block for band in bands[start:end] for block in band])
        start = end
    return groups


def _find_gutter(blocks: list[PageBlock]) -> float | None:
    """Return where the first column ends, or None if there is one column only.

    A white strip has to split the blocks into columns of more than one line.
    """
    edge = 0.0
    ordered = sorted(blocks, key=lambda block: block.left)
    for number, block in enumerate(ordered):
        if (
            number
            and block.left - edge >= _MIN_GUTTER
            and _is_column(ordered[:number])
            and _is_column(ordered[number:])
        ):
            return edge
        edge = max(edge, block.right)
    return None


def _is_column(blocks: list[PageBlock]) -> bool:
    return (
        any(len(block.rows) > 1 for block in blocks)
        and max(block.right for block in blocks) - min(block.left for block in blocks) > 0.12 * blocks[0].page_width
    )


def _merge_side_by_side(blocks: list[PageBlock]) -> list[PageBlock]:
    """Return the blocks with single lines at the same height, such as a word and its value, merged into one."""
    merged: list[PageBlock] = []
    for block in blocks:
        previous = merged[-1] if merged else None
        if previous and len(previous.rows) == len(block.rows) == 1 and abs(previous.top - block.top) <= _ROW_TOLERANCE:
            left, right = previous.rows[0], block.rows[0]
            row = PageRow([*left.chars, (" ", ""), *right.chars], left.left, right.right, left.first_word_width)
            merged[-1] = replace(previous, rows=[row])
        else:
            merged.append(block)
    return merged


def _column_edges(blocks: Iterable[PageBlock]) -> dict[int, float]:
    """Return the right edge of each column, in points, by its left edge in tens of points.

    The right edge is where enough of the column's lines end, else the right margin of the page.
    """
    right_edges: dict[int, list[float]] = {}
    margin = min((block.left for block in blocks), default=0.0)
    widest: dict[int, float] = {}
    for block in blocks:
        column = round(block.left / 10)
        right_edges.setdefault(column, []).extend(row.right for row in block.rows)
        widest[column] = block.page_width - margin
    edges: dict[int, float] = {}
    for column, row_edges in right_edges.items():
        rightmost = max(row_edges)
        column_width = rightmost - column * 10
        is_filled = (
            sum(right > rightmost - 0.08 * column_width for right in row_edges) >= _MIN_FULL_LINES
            and column_width > 0.3 * widest[column]
        )
        edges[column] = rightmost if is_filled else max(rightmost, widest[column])
    return edges


def _block_lines(block: PageBlock, usual_size: float, edges: dict[int, float]) -> list[Line]:
    """Return the block's lines; text larger than usual becomes a heading."""
    if usual_size and block.font_size > _HEADING_RATIO * usual_size and len(block.rows) <= _MAX_HEADING_LINES:
        return [Line(0, "## " + " ".join(re.sub(r"\u00ad\n|(?<=\w-)\n(?=\w)", "", block.text).split()))]
    edge = edges[round(block.left / 10)]
    texts = add_emphasis([row.chars for row in block.rows]).split("\n")
    # In a narrow column many lines end near the edge. Such a line counts as full only if the next line begins in lower
    # case, or if both are in capitals.
    is_wide = edge - block.left > block.page_width / 2
    full_lines = [
        row.right + after.first_word_width + block.font_size / 4 > edge + 1
        and (is_wide or after.text[:1].islower() or (row.text.isupper() and after.text.isupper()))
        for row, after in pairwise(block.rows)
    ]
    return [Line(0, text, is_full=is_full) for text, is_full in zip(texts, [*full_lines, False], strict=True)]


def _continues_paragraph(before: list[Line], after: list[Line]) -> bool:
    """Return whether the lines `after` continue the last paragraph of `before`, across the end of a page or column."""
    last = before[-1].text.rstrip(" *_")
    return len(last) > 40 and (last[-1:].isalnum() or last[-1:] in ",-") and after[0].text.lstrip("*_")[:1].islower()


def add_emphasis(rows: list[list[StyledChar]]) -> str:
    """Return the lines with marks where bold and italic begin and end, also across line ends."""
    chars: list[StyledChar] = []
    for number, row in enumerate(rows):
        chars += [("\n", "")] if number else []
        chars += row
    pieces: list[str] = []
    space = ""
    open_marks: list[str] = []
    for char, marks in chars:
        if char.isspace():
            space += char
            continue
        needed = _SINGLE_MARKS[marks]
        while any(mark not in needed for mark in open_marks):
            pieces.append(open_marks.pop())
        pieces.append(space)
        space = ""
        for mark in needed:
            if mark not in open_marks:
                open_marks.append(mark)
                pieces.append(mark)
        pieces.append(char)
    return "".join([*pieces, *reversed(open_marks)])
