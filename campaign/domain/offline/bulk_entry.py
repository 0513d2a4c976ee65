"""Rules for bulk entries of staff: usable quantities and days, and unusual quantities, which need confirmation."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import date

from campaign.domain.errors import InputError, TocsinError

# A larger entry is a typing error: no stall has collected a million letters.
MOST = 1_000_000
# A quantity of this many times the section's usual must be entered twice, and waits for a second person.
UNUSUAL = 10
# More than this in a day always waits, whatever is usual: the usual quantity may have been raised step by step.
MOST_ALONE = 10_000
# The usual quantity of a section with fewer than _FEW entries.
_USUAL, _FEW = 100, 3
# The number of newest entries that determine what is usual.
REMEMBERED = 20
PLACE_LENGTH, NOTE_LENGTH = 200, 1000
# Separators of thousands. A point or a comma is refused, because it may be a decimal one.
_GROUPING = {ord(character): None for character in " \u00a0\u202f\u2009'’"}


class UnusualQuantityError(TocsinError):
    """The quantity is unusually large for the section, and must be entered again if it is right.

    `usual` is the section's usual quantity; 0 means that it is more than one person may enter in a day.
    """

    def __init__(self, usual: int) -> None:
        beyond = f"{UNUSUAL} times the usual {usual}" if usual else f"{MOST_ALONE} in a day"
        super().__init__(f"more than {beyond}")
        self.usual = usual


def read_quantity(text: str) -> int:
    """Return a whole number from 1 to MOST. Raise InputError (`missing`, `not-a-number`, `too-small`, `too-large`)."""
    digits = text.strip().translate(_GROUPING)
    if not digits:
        raise InputError("quantity", "missing", "no quantity")
    is_negative = digits[0] in "-−"
    if not digits[is_negative:].isdecimal():
        raise InputError("quantity", "not-a-number", "the quantity is no whole number")
    if is_negative or int(digits[:20]) == 0:
        raise InputError("quantity", "too-small", "the quantity is less than one")
    if len(digits) > len(str(MOST)) * 2 or int(digits) > MOST:
        raise InputError("quantity", "too-large", f"the quantity is more than {MOST}")
    return int(digits)


def read_day(text: str, *, opened_on: date, today: date, last: date | None = None) -> date:
    """Return the day of the actions. Raise InputError (`missing`, `not-a-date`, `future`, `too-early`, `too-late`).

    `last` is the day on which the appeal was stopped, or None.
    """
    if not text.strip():
        raise InputError("day", "missing", "no day")
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError("day", "not-a-date", "this is no day of the calendar") from error
    if day > today:
        raise InputError("day", "future", "the day is yet to come")
    if day < opened_on:
        raise InputError("day", "too-early", "the appeal was not open yet")
    if last is not None and day > last:
        raise InputError("day", "too-late", "the appeal had been stopped")
    return day


def read_words(field: str, text: str, most: int) -> str:
    """Return a place or note in one line. Raise InputError (`too-long`)."""
    words = " ".join(text.split())
    if len(words) > most:
        raise InputError(field, "too-long", f"longer than {most} characters")
    return words


def usual(earlier: Sequence[int]) -> int:
    """Return the section's usual quantity: the median of its newest entries."""
    return round(statistics.median(earlier)) if len(earlier) >= _FEW else _USUAL


def refuse_unusual(quantity: int, earlier: Sequence[int], today: int = 0) -> None:
    """Raise UnusualQuantityError if the quantity and the entries of `today` exceed UNUSUAL times the usual.

    `earlier` are entries of days before, so that many large entries in a row do not make the next one usual.
    """
    if quantity + today > UNUSUAL * (usual_quantity := usual(earlier)):
        raise UnusualQuantityError(usual_quantity)
    if quantity + today > MOST_ALONE:
        raise UnusualQuantityError(0)
