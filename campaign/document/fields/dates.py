"""Recognition of dates in the formats that documents use, in every language that has a label file."""

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
    r"(?:/[^\W\d_]{3,12}(?: [^\W\d_]{3,12})?)?"  # Arabic gives two names of a month: `مارس/آذار`
    r"(?: (?:de |del )?(\d{4})(?!\d))?"
)
_MONTH_FIRST = re.compile(r"(?<!\w)([^\W\d_]{3,12})\.? (\d{1,2})(?:st|nd|rd|th)?(?!\d)(?:,? (\d{4})(?!\d))?")
_ISO = re.compile(r"(?<![\w/.-])(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?![\w/])")
_NUMERIC = re.compile(r"(?<![\w/.-])(\d{1,2})([./])(\d{1,2})\2(\d{4})(?!\w)")


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A date and its position in a text; `year` is None if the text gives no year."""

    start: int
    end: int
    day: int
    month: int
    year: int | None
    is_ambiguous: bool = False  # day and month could be the other way round

    def to_date(self) -> date | None:
        """Return the date, or None if it has no year or does not exist."""
        return _date_or_none(self.year, self.month, self.day) if self.year else None

    def next_after(self, earlier: date) -> date | None:
        """Return the first date later than `earlier` with this day and month; None if it does not exist."""
        # Nine calendar years, since 29 February can be eight years away (2096 to 2104).
        for year in range(earlier.year, earlier.year + 9):
            candidate = _date_or_none(year, self.month, self.day)
            if candidate and candidate > earlier:
                return candidate
        return None


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _month_numbers() -> dict[str, int]:
    """Return the numbers of the months by their normalised names and abbreviations, in every language."""
    numbers: dict[str, int] = {}
    for language in vocabulary().languages:
        for names_by_width in Locale.parse(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in names_by_width[width].items():
                    for spelling in (normalised(name), normalised(name)[:3]):
                        if len(spelling) >= 3:
                            numbers.setdefault(spelling, number)
    numbers.update({"sept": 9, "setiembre": 9, "janner": 1, "feber": 2})
    return numbers


@cache
def weekdays() -> frozenset[str]:
    """Return the words of the weekdays' names, normalised, in every language; a weekday may precede a date."""
    names: set[str] = set()
    for language in vocabulary().languages:
        names.update(normalised(name) for name in Locale.parse(language).days["format"]["wide"].values())
    return frozenset(word for name in names for word in name.split())


def find_dates(text: str) -> list[ParsedDate]:
    """Return the dates in a text, in all formats of the document templates, in the order of their positions."""
    normalised_text = normalise(text)
    result: list[ParsedDate] = []
    for match in _ISO.finditer(normalised_text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
        result.append(ParsedDate(match.start(), match.end(), day, month, year))
    result.extend(_parse_numeric(match) for match in _NUMERIC.finditer(normalised_text))
    for match in _DAY_FIRST.finditer(normalised_text):
        month_number = _month_numbers().get(match[2])
        if month_number:
            end = match.end() if match[3] else match.end(2)
            result.append(
                ParsedDate(match.start(), end, int(match[1]), month_number, int(match[3]) if match[3] else None)
            )
    spans = {(parsed.start, parsed.end) for parsed in result}
    for match in _MONTH_FIRST.finditer(normalised_text):
        month_number = _month_numbers().get(match[1])
        if month_number and not any(start <= match.start(1) < end for start, end in spans):
            end = match.end() if match[3] else match.end(2)
            result.append(
                ParsedDate(match.start(), end, int(match[2]), month_number, int(match[3]) if match[3] else None)
            )
    result.sort(key=lambda parsed: parsed.start)
    return result


def _parse_numeric(match: re.Match[str]) -> ParsedDate:
    """Return the date in a match of `_NUMERIC`: day before month, unless the second number is above 12.

    Only documents from the United States put the month first. A date with slashes is ambiguous if its first two numbers
    differ and are both at most 12.
    """
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if second > 12 >= first:
        return ParsedDate(match.start(), match.end(), second, first, year)
    is_ambiguous = match[2] == "/" and first <= 12 and second <= 12 and first != second
    return ParsedDate(match.start(), match.end(), first, second, year, is_ambiguous)
