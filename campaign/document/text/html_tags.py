"""Removal of HTML from a document before anything else is read, with a warning for each tag.

Scripts and similar elements are removed with their content, even if it has several lines. Of other elements only the
tags are removed.
"""

from __future__ import annotations

import re

from campaign.document.text.lines import Line, LineTracker, excerpt

_REMOVED_ELEMENTS = "script|style|iframe|object|embed|svg|math|template|noscript"
_REMOVED_ELEMENT_START = re.compile(rf"<\s{{0,9}}({_REMOVED_ELEMENTS})\b[^<>]{{0,2000}}>?", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|big|blockquote|body|br|button|center|code|div|dl|dd|dt|em|font|footer|form|frame|frameset|"
    r"h[1-6]|head|header|hr|html|i|img|input|label|li|link|main|meta|nav|ol|p|picture|pre|s|section|select|small|source|span|"
    r"strike|strong|sub|sup|table|tbody|td|textarea|th|thead|title|tr|u|ul|video|" + _REMOVED_ELEMENTS + r")"
    r"(?:[\s/][^<>]{0,2000})?>|<!--|-->",
    re.IGNORECASE,
)


def strip_tags(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines without HTML. A line that has only HTML becomes blank."""
    if not any("<" in line.text for line in lines):
        return lines
    last_closing_lines = _last_closing_lines(lines)
    result: list[Line] = []
    open_element: str | None = None
    for index, line in enumerate(lines):
        text, open_element = (
            _text_outside_elements(line, open_element, tracker, last_closing_lines, index)
            if open_element or "<" in line.text
            else (line.text, None)
        )
        text = _without_tags(text, line.number, tracker) if "<" in text else text
        if text is not line.text and not text.strip():
            tracker.mark_used(line)
        result.append(line if text is line.text else Line(line.number, text))
    return result


def _last_closing_lines(lines: list[Line]) -> dict[str, int]:
    """Return the index of the last line with a closing tag, by element.

    Of an element without a later closing tag, only the rest of its first line is removed.
    """
    last: dict[str, int] = {}
    for index, line in enumerate(lines):
        if "</" in line.text:
            for name in _REMOVED_ELEMENTS.split("|"):
                if f"</{name}" in line.text.lower():
                    last[name] = index
    return last


def _text_outside_elements(
    line: Line, open_element: str | None, tracker: LineTracker, last_closing_lines: dict[str, int], index: int
) -> tuple[str, str | None]:
    """Return the text of the line outside removed elements, and the element that is still open at its end, or None."""
    pieces: list[str] = []
    lower_text, position = line.text.lower(), 0
    while True:
        if open_element:
            closing_start = lower_text.find(f"</{open_element}", position)
            if closing_start < 0:
                if position == 0:
                    tracker.warn(
                        "markup-dropped",
                        f"text inside a {open_element} is left out: {excerpt(line.text)}",
                        line.number,
                    )
                return "".join(pieces), open_element if last_closing_lines.get(open_element, -1) > index else None
            end = line.text.find(">", closing_start)
            position = end + 1 if end >= 0 else len(line.text)
            open_element = None
        opening_tag = _REMOVED_ELEMENT_START.search(line.text, position)
        if opening_tag is None:
            return ("".join(pieces) + line.text[position:]) if position else line.text, None
        pieces.append(line.text[position : opening_tag.start()])
        open_element, position = opening_tag[1].lower(), opening_tag.end()
        tracker.warn("markup-dropped", f"a {open_element} is left out", line.number)


def _without_tags(text: str, line_number: int, tracker: LineTracker) -> str:
    """Return the text without tags, with a space in place of `<br>`; warn of each tag."""

    def replace_tag(match: re.Match[str]) -> str:
        tracker.warn("markup-dropped", f"a tag is left out: {excerpt(match.group())}", line_number)
        return " " if match.group().lower().startswith("<br") else ""

    return _TAG.sub(replace_tag, text)
