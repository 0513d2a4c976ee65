"""Removal of what mail programs and editors add to a text: mixed line ends and `>` marks."""

from __future__ import annotations

import re

from campaign.document.text.characters import LINE_ENDS, clean
from campaign.document.text.lines import Line

_QUOTE_MARKS = re.compile(r"^(?:[ \t]{0,3}>[ ]?){1,20}")


def split_lines(text: str) -> list[Line]:
    """Return the lines of a text. Quote marks are removed if at least half of the lines with text have them."""
    lines = [clean(line) for line in LINE_ENDS.split(text)]
    filled = [line for line in lines if line.strip()]
    quoted_count = sum(line.lstrip().startswith(">") for line in filled)
    if filled and quoted_count * 2 >= len(filled):
        lines = [_QUOTE_MARKS.sub("", line) for line in lines]
    return [Line(number, line) for number, line in enumerate(lines, start=1)]
