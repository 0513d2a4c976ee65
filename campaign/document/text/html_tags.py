"""HTML inside a document: taken out of every line before anything else is read, each piece with a warning.

A script goes with all that stands in it, over as many lines as it has; of other tags only the tag goes.
"""

from __future__ import annotations

import re

from campaign.document.text.lines import Ledger, Line, shown

_RUNS = "script|style|iframe|object|embed|svg|math|template|noscript"
_OPEN = re.compile(rf"<\s{{0,9}}({_RUNS})\b[^<>]{{0,2000}}>?", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|big|blockquote|body|br|button|center|code|div|dl|dd|dt|em|font|footer|form|frame|frameset|"
    r"h[1-6]|head|header|hr|html|i|img|input|label|li|link|main|meta|nav|ol|p|picture|pre|s|section|select|small|source|span|"
    r"strike|strong|sub|sup|table|tbody|td|textarea|th|thead|title|tr|u|ul|video|" + _RUNS + r")"
    r"(?:[\s/][^<>]{0,2000})?>|<!--|-->",
    re.IGNORECASE,
)


def without_tags(lines: list[Line], ledger: Ledger) -> list[Line]:
    """The lines without HTML; a line of which nothing is left is blank."""
    if not any("<" in line.text for line in lines):
        return lines
    closes = _closes(lines)
    kept: list[Line] = []
    inside: str | None = None
    for at, line in enumerate(lines):
        text, inside = _outside(line, inside, ledger, closes, at) if inside or "<" in line.text else (line.text, None)
        text = _untagged(text, line.number, ledger) if "<" in text else text
        if text is not line.text and not text.strip():
            ledger.take(line, "warning")
        kept.append(line if text is line.text else Line(line.number, text))
    return kept


def _closes(lines: list[Line]) -> dict[str, int]:
    """The last line that closes each element, so that one that never ends takes its own line only."""
    last: dict[str, int] = {}
    for at, line in enumerate(lines):
        if "</" in line.text:
            for name in _RUNS.split("|"):
                if f"</{name}" in line.text.lower():
                    last[name] = at
    return last


def _outside(line: Line, inside: str | None, ledger: Ledger, closes: dict[str, int], at: int) -> tuple[str, str | None]:
    """What of the line stands outside of scripts, and the script that is open at its end."""
    pieces: list[str] = []
    lowered, place = line.text.lower(), 0
    while True:
        if inside:
            close = lowered.find(f"</{inside}", place)
            if close < 0:
                if place == 0:
                    ledger.warn(
                        "markup-dropped", f"stands in a {inside} and is left out: {shown(line.text)}", line.number
                    )
                return "".join(pieces), inside if closes.get(inside, -1) > at else None
            end = line.text.find(">", close)
            place = end + 1 if end >= 0 else len(line.text)
            inside = None
        opened = _OPEN.search(line.text, place)
        if opened is None:
            return ("".join(pieces) + line.text[place:]) if place else line.text, None
        pieces.append(line.text[place : opened.start()])
        inside, place = opened[1].lower(), opened.end()
        ledger.warn("markup-dropped", f"a {inside} is left out", line.number)


def _untagged(text: str, number: int, ledger: Ledger) -> str:
    def drop(match: re.Match[str]) -> str:
        ledger.warn("markup-dropped", f"a tag is left out: {shown(match.group())}", number)
        return " " if match.group().lower().startswith("<br") else ""

    return _TAG.sub(drop, text)
