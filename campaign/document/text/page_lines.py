"""Lines of a page's margin that a copy brings among the text: its number, its address, the time of printing."""

from __future__ import annotations

import re
from dataclasses import replace

from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.normalise import normalise

_PAGE_LINE = re.compile(
    r"\s*(?:"
    r"(?:page|seite|pagina|strona|sayfa|sida|стр\.?|страница|صفحة) ?\d{1,3}"
    r"(?: ?(?:of|de|sur|von|van|di|av|z|из|من|/) ?\d{1,3})?"
    r"|-\s?\d{1,3}\s?-"
    r"|\d{1,2}/\d{1,2}/\d{2,4},? \d{1,2}:\d{2}(?: ?[ap]m)?"
    r"|print this page|imprimer cette page|imprimir esta pagina|seite drucken"
    r")\s*"
)
_MAX_LENGTH = 60  # characters
_MIN_NUMBERED_LINES = 8
_LINE_NUMBER = re.compile(r"^\s*(\d{1,3})\. ?")
_MAIL_HEADER = re.compile(
    r"\s*(from|to|cc|subject|date|sent|reply-to|von|an|betreff|gesendet|de|a|objet|para|asunto): ?\S"
)
_FROM_TO_SUBJECT = frozenset({"from", "to", "subject"})
_MAX_TOP_LINES = 12
_LONE_NUMBER = re.compile(r"\s*\d{1,2}\s*")


def without_page_lines(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines without those of a page's margin, each of which gets a warning."""
    result: list[Line] = []
    for line in lines:
        text = normalise(line.text.strip()) if len(line.text.strip()) < _MAX_LENGTH else ""
        if text and (_PAGE_LINE.fullmatch(text) or _LONE_NUMBER.fullmatch(text)):
            tracker.warn("unplaced-line", f"a line of the page, not of the text: {excerpt(line.text)}", line.number)
            tracker.mark_used(line)
        else:
            result.append(line)
    return result


def without_line_numbers(lines: list[Line]) -> list[Line]:
    """Return the lines without their numbers, if every line that has words begins with the next number."""
    filled = [line for line in lines if not line.is_blank]
    matches = [_LINE_NUMBER.match(line.text) for line in filled]
    numbers = [int(match[1]) for match in matches if match]
    if len(filled) < _MIN_NUMBERED_LINES or numbers != list(range(1, len(filled) + 1)):
        return lines
    return [replace(line, text=_LINE_NUMBER.sub("", line.text)) for line in lines]


def without_mail_headers(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines without the headers of a mail at the top, if sender, recipient and subject are among them."""
    top = [line for line in lines[:_MAX_TOP_LINES] if not line.is_blank]
    headers = []
    for line in top:
        match = _MAIL_HEADER.match(normalise(line.text))
        if match is None:
            break
        headers.append((match[1], line))
    if not {name for name, _ in headers} >= _FROM_TO_SUBJECT:
        return lines
    for _, line in headers:
        tracker.warn("unplaced-line", f"a header of the mail: {excerpt(line.text)}", line.number)
        tracker.mark_used(line)
    numbers = {line.number for _, line in headers}
    return [line for line in lines if line.number not in numbers]
