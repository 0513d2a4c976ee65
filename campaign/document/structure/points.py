"""The talking points: the bullets under “Please write immediately” in the old template."""

from __future__ import annotations

import re
from dataclasses import replace

from campaign.document.labels import vocabulary
from campaign.document.structure.blocks import Block, ends_sentence
from campaign.document.text.emphasis import plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt, split_paragraphs
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import words

_MAX_INLINE = 3000  # characters of a line with points
_BULLET_MARK = re.compile(
    r"^\s*(?:[-*•·▪►–—\uf0b7\uf0a7‣●○■□✓➢+]|o(?=\s)|\d{1,2}[.)]|(?:i{1,3}|iv|v|vi{1,3})[.)](?=\s))\s*"
)


def intro_lines(block: Block) -> list[Line]:
    """Return the lines of the opening sentence: from the label to its colon, a bullet or a blank line."""
    lines: list[Line] = []
    for line in block.lines:
        if line.is_blank or (is_bullet(line.text) and not line.is_label_rest) or (not lines and not line.is_label_rest):
            break
        lines.append(line)
        if ends_sentence(line.text):
            break
    return lines


def read_points(block: Block, tracker: LineTracker) -> list[str]:
    """Return the text of each bullet without its mark, or of each point if the list has no bullets."""
    intro = intro_lines(block)
    announcement = _find_announcement(block.lines[len(intro) :])
    for line in (*intro, *announcement):
        if line in intro or announcement[-1].text.rstrip(" *_").endswith(":") or line.text.isupper():
            tracker.mark_used(line)
    intro += announcement
    points: list[list[Line]] = []
    for group in split_paragraphs(block.lines[len(intro) :]):
        has_bullets = any(is_bullet(line.text) for line in group)
        for index, line in enumerate(group):
            if index == 0 or (is_bullet(line.text) if has_bullets else _ends_point(group[index - 1].text)):
                points.append([])
            points[-1].append(line)
    texts: list[str] = []
    for point in points:
        if _is_task(point[0].text):
            tracker.warn("unplaced-line", f"a request to the reader: {excerpt(point[0].text)}", point[0].number)
            continue
        for line in point:
            tracker.mark_used(line)
        text = plain_text(_BULLET_MARK.sub("", " ".join(line.text.strip() for line in point), count=1))
        if text:
            texts.append(text)
    return texts


def _is_task(text: str) -> bool:
    """Return whether an item asks the reader for something else than a demand: `Please let us know …`."""
    line_words = tuple(word.text for word in words(_BULLET_MARK.sub("", text), 12))
    return any(line_words[: len(phrase)] == phrase for phrase in vocabulary().phrases("tasks"))


def split_inline_points(lines: list[Line]) -> list[Line]:
    """Return the lines, with points that were run together on one line parted: `letters: - urging …; - calling …`."""
    result: list[Line] = []
    for line in lines:
        if len(line.text) < _MAX_INLINE and re.search(r":\s+[-•]\s.{1,400}?;\s+[-•]\s", line.text):
            result += [replace(line, text=part) for part in re.split(r"(?<=[:;])\s+(?=[-•]\s)", line.text)]
        else:
            result.append(line)
    return result


def _find_announcement(lines: list[Line]) -> list[Line]:
    """Return the lines that announce the first bullet: `E-mails and faxes with these requests`."""
    first_bullet = next((index for index, line in enumerate(lines) if is_bullet(line.text)), 0)
    above = [line for line in lines[:first_bullet] if not line.is_blank]
    if not above or above[-1].text.rstrip(" *_").endswith((";", ".", "!", "?")):
        return []
    return lines[:first_bullet]


def _ends_point(text: str) -> bool:
    """Return whether a line ends its point, so that the next line begins another."""
    return text.rstrip(" *_").endswith((";", ".", "!", "?"))
