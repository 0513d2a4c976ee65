"""The bullets under “Please write immediately”: what the old template asks its readers to say."""

from __future__ import annotations

import re

from campaign.document.structure.blocks import Block, ends_sentence
from campaign.document.text.emphasis import plain
from campaign.document.text.lines import Ledger, Line, paragraphs
from campaign.document.text.list_markers import is_bullet

_MARK = re.compile(r"^\s*(?:[-*•·▪►–—\uf0b7\uf0a7‣●○■□✓➢+]|o(?=\s)|\d{1,2}[.)])\s*")


def intro_lines(block: Block) -> list[Line]:
    """The lines of the opening sentence: from the label to its colon, a bullet or a blank line."""
    kept: list[Line] = []
    for line in block.lines:
        if line.is_blank or (is_bullet(line.text) and not line.is_cut) or (not kept and not line.is_cut):
            break
        kept.append(line)
        if ends_sentence(line.text):
            break
    return kept


def read_points(block: Block, ledger: Ledger) -> list[str]:
    """Each bullet as one text without its mark; without bullets, each paragraph."""
    intro = intro_lines(block)
    announced = _announcement(block.lines[len(intro) :])
    for line in (*intro, *announced):
        if line in intro or announced[-1].text.rstrip(" *_").endswith(":") or line.text.isupper():
            ledger.take(line, "label:write")
    intro += announced
    points: list[list[Line]] = []
    for group in paragraphs(block.lines[len(intro) :]):
        bulleted = any(is_bullet(line.text) for line in group)
        for at, line in enumerate(group):
            starts = is_bullet(line.text) if bulleted else at == 0 or ends_point(group[at - 1].text)
            if starts or not points or (at == 0 and not (points and not bulleted and _goes_on(line))):
                points.append([])
            points[-1].append(line)
    texts: list[str] = []
    for point in points:
        for line in point:
            ledger.take(line, "talking_points")
        text = plain(_MARK.sub("", " ".join(line.text.strip() for line in point), count=1))
        if text:
            texts.append(text)
    return texts


def _announcement(lines: list[Line]) -> list[Line]:
    """What stands above the first bullet and announces it: `E-mails and faxes with these requests`."""
    first = next((at for at, line in enumerate(lines) if is_bullet(line.text)), 0)
    before = [line for line in lines[:first] if not line.is_blank]
    if not before or before[-1].text.rstrip(" *_").endswith((";", ".", "!", "?")):
        return []
    return lines[:first]


def ends_point(text: str) -> bool:
    """Whether a line without bullets closes its point."""
    return text.rstrip(" *_").endswith((";", ".", "!", "?"))


def _goes_on(line: Line) -> bool:
    return line.text.lstrip()[:1].islower()
