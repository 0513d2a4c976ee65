"""Dates in the forms of the documents, in every language of the label files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from babel import Locale

from campaign.document.labels import vocabulary
from campaign.document.text.normalise import normalise, normalised

_DAY_FIRST = re.compile(
    r"(?<![\w/.])(\d{1,2})(?:\.|°|o|a|er|st|nd|rd|th)?,? (?:de |of |d')?([^\W\d_]{3,12})\.?,?"
    r"(?: (?:de |del )?(\d{4})(?!\d))?"
)
_MONTH_FIRST = re.compile(r"(?<!\w)([^\W\d_]{3,12})\.? (\d{1,2})(?:st|nd|rd|th)?(?!\d)(?:,? (\d{4})(?!\d))?")
_ISO = re.compile(r"(?<![\w/.-])(\d{4})-(\d{1,2})-(\d{1,2})(?!\w)")
_NUMBERS = re.compile(r"(?<![\w/.-])(\d{1,2})([./])(\d{1,2})\2(\d{4})(?!\w)")


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A date in a text; `year` is None where the document leaves it out."""

    start: int
    end: int
    day: int
    month: int
    year: int | None
    is_ambiguous: bool = False

    def to_date(self) -> date | None:
        """Return the date, or None if it has no year or does not exist."""
        return _date(self.year, self.month, self.day) if self.year else None

    def next_after(self, start: date) -> date | None:
        """Return the first such day after `start`, for a date without a year; None if there is none in nine years."""
        for year in range(start.year, start.year + 9):
            day = _date(year, self.month, self.day)
            if day and day > start:
                return day
        return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    numbers: dict[str, int] = {}
    for language in vocabulary().languages:
        for names in Locale.parse(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in names[width].items():
                    for spelling in (normalised(name), normalised(name)[:3]):
                        if len(spelling) >= 3:
                            numbers.setdefault(spelling, number)
    numbers.update({"sept": 9, "setiembre": 9, "janner": 1, "feber": 2})
    return numbers


@cache
def weekdays() -> frozenset[str]:
    """Return the words in the names of the days, which may stand before a date."""
    names: set[str] = set()
    for language in vocabulary().languages:
        names.update(normalised(name) for name in Locale.parse(language).days["format"]["wide"].values())
    return frozenset(word for name in names for word in name.split())


def find_dates(text: str, first_only: bool = False) -> list[ParsedDate]:
    """Return the dates of a text in their order, in every form that the templates use."""
    folded = normalise(text)
    result: list[ParsedDate] = []
    for match in _ISO.finditer(folded):
        year, month, day = (int(part) for part in match.groups())
        result.append(ParsedDate(match.start(), match.end(), day, month, year))
    result.extend(_numeric(match) for match in _NUMBERS.finditer(folded))
    for match in _DAY_FIRST.finditer(folded):
        number = _months().get(match[2])
        if number:
            end = match.end() if match[3] else match.end(2)
            result.append(ParsedDate(match.start(), end, int(match[1]), number, int(match[3]) if match[3] else None))
    positions = {(each.start, each.end) for each in result}
    for match in _MONTH_FIRST.finditer(folded):
        number = _months().get(match[1])
        if number and not any(start <= match.start(1) < end for start, end in positions):
            end = match.end() if match[3] else match.end(2)
            result.append(ParsedDate(match.start(), end, int(match[2]), number, int(match[3]) if match[3] else None))
    result.sort(key=lambda each: each.start)
    return result[:1] if first_only else result


def _numeric(match: re.Match[str]) -> ParsedDate:
    """Return a date of numbers: day before month, unless the second number is above 12.

    Day before month is the order everywhere but in the United States. With slashes and two numbers up to 12 the date is
    marked as ambiguous.
    """
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if second > 12 >= first:
        return ParsedDate(match.start(), match.end(), second, first, year)
    ambiguous = match[2] == "/" and first <= 12 and second <= 12 and first != second
    return ParsedDate(match.start(), match.end(), first, second, year, ambiguous)
