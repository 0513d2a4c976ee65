"""The doubts of a draft: which of its values a warning speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from campaign.document import DraftAppeal

_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
# Beginnings of the codes of warnings that speak of a field, whatever their line.
_CODES = {
    "reference": ("no-reference", "reference-"),
    "series": ("no-reference", "reference-"),
    "sequence": ("sequence-", "update-"),
    "index": ("index-",),
    "issued_on": ("date-",),
    "country": ("no-country", "country-"),
    "headline": ("no-headline", "headline-"),
    "summary": ("no-summary", "summary-"),
    "targets": ("no-target",),
    "letter": ("no-letter", "no-salutation", "no-closing", "letter-"),
    "talking_points": ("no-letter",),
    "languages": ("language-", "no-language"),
    "deadline": ("no-deadline", "deadline-"),
    "people": ("no-people", "people-", "gender-"),
    "previous": ("previous-", "link-"),
}


class Doubts:
    """The warnings of a draft, each with the words of its lines."""

    def __init__(self, draft: DraftAppeal, lines: tuple[str, ...]) -> None:
        """Store the codes of the draft's warnings and the words of the lines that they name."""
        self._codes = {warning.code for warning in draft.warnings}
        numbers = {
            number
            for warning in draft.warnings
            if not warning.code.startswith("no-")
            for number in (*getattr(warning, "lines", ()), warning.line)
        }
        texts = (lines[number - 1] for number in numbers if 0 < number <= len(lines))
        self._lines = [words for text in texts if (words := _words(text))]

    def cover(self, field: str, *values: Any) -> bool:
        """Return whether a warning has a code of this field, or names a line on which one of the values stands."""
        beginnings = _CODES.get(field.split(".", maxsplit=1)[0], ())
        if any(code.startswith(beginning) for code in self._codes for beginning in beginnings):
            return True
        return any(
            words <= line or line <= words for text in _texts(values) if (words := _words(text)) for line in self._lines
        )


def _texts(value: Any) -> Iterable[str]:
    """Yield every text in a JSON value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _words(text: str) -> frozenset[str]:
    """Return the words of a text without case; of a date, its day and year as a document writes them."""
    if match := _ISO_DATE.fullmatch(text):
        return frozenset({match[1], str(int(match[3]))})
    return frozenset(re.findall(r"\w+", text.casefold()))
