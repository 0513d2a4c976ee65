"""Removal of HTML from a document before anything else is read, with a warning for each piece.

A script is removed with its content, over as many lines as it has; of other elements only the tags are removed.
"""

from __future__ import annotations

import re

from campaign.document.text.lines import Line, LineTracker, excerpt

_WITH_CONTENT = "script|style|iframe|object|embed|svg|math|template|noscript"
_OPEN = re.compile(rf"<\s{{0,9}}({_WITH_CONTENT})\b[^<>]{{0,2000}}>?", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|big|blockquote|body|br|button|center|code|div|dl|dd|dt|em|font|footer|form|frame|frameset|"
    r"h[1-6]|head|header|hr|html|i|img|input|label|li|link|main|meta|nav|ol|p|picture|pre|s|section|select|small|source|span|"
    r"strike|strong|sub|sup|table|tbody|td|textarea|th|thead|title|tr|u|ul|video|" + _WITH_CONTENT + r")"
    r"(?:[\s/][^<>]{0,2000})?>|<!--|-->",
    re.IGNORECASE,
)


def strip_tags(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines without HTML; a line of which nothing remains is blank."""
    if not any("<" in line.text for line in lines):
        return lines
    last_closings = _last_closing_lines(lines)
    result: list[Line] = []
    open_element: str | None = None
    for index, line in enumerate(lines):
        text, open_element = (
            _outside_elements(line, open_element, tracker, last_closings, index)
            if open_element or "<" in line.text
            else (line.text, None)
        )
        text = _without_tags(text, line.number, tracker) if "<" in text else text
        if text is not line.text and not text.strip():
            tracker.mark_used(line, "warning")
        result.append(line if text is line.text else Line(line.number, text))
    return result


def _last_closing_lines(lines: list[Line]) -> dict[str, int]:
    """Return the index of the last line that closes each element.

    So an element that is never closed removes the rest of its own line only.
    """
    last: dict[str, int] = {}
    for index, line in enumerate(lines):
        if "</" in line.text:
            for name in _WITH_CONTENT.split("|"):
                if f"</{name}" in line.text.lower():
                    last[name] = index
    return last


def _outside_elements(
    line: Line, open_element: str | None, tracker: LineTracker, last_closings: dict[str, int], index: int
) -> tuple[str, str | None]:
    """Return the text of the line outside of removed elements, and the element that is open at its end."""
    pieces: list[str] = []
    lower_case, position = line.text.lower(), 0
    while True:
        if open_element:
            close = lower_case.find(f"</{open_element}", position)
            if close < 0:
                if position == 0:
                    tracker.warn(
                        "markup-dropped",
                        f"stands in a {open_element} and is left out: {excerpt(line.text)}",
                        line.number,
                    )
                return "".join(pieces), open_element if last_closings.get(open_element, -1) > index else None
            end = line.text.find(">", close)
            position = end + 1 if end >= 0 else len(line.text)
            open_element = None
        opened = _OPEN.search(line.text, position)
        if opened is None:
            return ("".join(pieces) + line.text[position:]) if position else line.text, None
        pieces.append(line.text[position : opened.start()])
        open_element, position = opened[1].lower(), opened.end()
        tracker.warn("markup-dropped", f"a {open_element} is left out", line.number)


def _without_tags(text: str, number: int, tracker: LineTracker) -> str:
    def drop(match: re.Match[str]) -> str:
        tracker.warn("markup-dropped", f"a tag is left out: {excerpt(match.group())}", number)
        return " " if match.group().lower().startswith("<br") else ""

    return _TAG.sub(drop, text)
