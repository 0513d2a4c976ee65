"""Dates as the documents write them, in every language of the label files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from babel import Locale

from campaign.document.labels import vocabulary
from campaign.document.text.normalise import fold, key

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

    def on(self) -> date | None:
        """The date, unless it has no year or is none in the calendar."""
        return _date(self.year, self.month, self.day) if self.year else None

    def next_after(self, start: date) -> date | None:
        """The first such day after another date, for a date without a year."""
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
    named: dict[str, int] = {}
    for language in vocabulary().languages:
        for names in Locale.parse(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in names[width].items():
                    for form in (key(name), key(name)[:3]):
                        if len(form) >= 3:
                            named.setdefault(form, number)
    named.update({"sept": 9, "setiembre": 9, "janner": 1, "feber": 2})
    return named


@cache
def weekdays() -> frozenset[str]:
    """The names of the days, which may stand before a date."""
    found: set[str] = set()
    for language in vocabulary().languages:
        found.update(key(name) for name in Locale.parse(language).days["format"]["wide"].values())
    return frozenset(word for name in found for word in name.split())


def dates(text: str, first_only: bool = False) -> list[ParsedDate]:
    """The dates of a text in their order, in every form that the templates use."""
    folded = fold(text)
    found: list[ParsedDate] = []
    for match in _ISO.finditer(folded):
        year, month, day = (int(part) for part in match.groups())
        found.append(ParsedDate(match.start(), match.end(), day, month, year))
    found.extend(_numeric(match) for match in _NUMBERS.finditer(folded))
    for match in _DAY_FIRST.finditer(folded):
        number = _months().get(match[2])
        if number:
            end = match.end() if match[3] else match.end(2)
            found.append(ParsedDate(match.start(), end, int(match[1]), number, int(match[3]) if match[3] else None))
    taken = {(each.start, each.end) for each in found}
    for match in _MONTH_FIRST.finditer(folded):
        number = _months().get(match[1])
        if number and not any(start <= match.start(1) < end for start, end in taken):
            end = match.end() if match[3] else match.end(2)
            found.append(ParsedDate(match.start(), end, int(match[2]), number, int(match[3]) if match[3] else None))
    found.sort(key=lambda each: each.start)
    return found[:1] if first_only else found


def _numeric(match: re.Match[str]) -> ParsedDate:
    """Day before month, as everywhere but in the United States; only a second number above 12 says otherwise."""
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if second > 12 >= first:
        return ParsedDate(match.start(), match.end(), second, first, year)
    ambiguous = match[2] == "/" and first <= 12 and second <= 12 and first != second
    return ParsedDate(match.start(), match.end(), first, second, year, ambiguous)
