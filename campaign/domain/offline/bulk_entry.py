"""Rules for the bulk entries of staff: valid quantities and days, and unusual quantities that need confirmation."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import date

from campaign.domain.errors import InputError, TocsinError

# A larger quantity is a typing error: no stall collects a million letters.
MAX_QUANTITY = 1_000_000
# A quantity above this many times the section's usual one must be entered twice, and waits for a second person.
UNUSUAL_FACTOR = 10
# A section's entries of one day that exceed this together always wait. Otherwise the usual quantity could be raised
# step by step.
MAX_UNCONFIRMED = 10_000
# The usual quantity of a section with fewer than _MIN_ENTRIES entries.
_USUAL, _MIN_ENTRIES = 100, 3
# The number of newest entries that determine the usual quantity.
USUAL_ENTRIES = 20
PLACE_LENGTH, NOTE_LENGTH = 200, 1000
# Separators of thousands. A point and a comma are refused, because they may be decimal separators.
_THOUSANDS_SEPARATORS = {ord(character): None for character in " \u00a0\u202f\u2009'’"}


class UnusualQuantityError(TocsinError):
    """The quantity is unusually large for the section, and must be entered again if it is right.

    `usual` is the section's usual quantity; 0 means that it is more than one person may enter in a day.
    """

    def __init__(self, usual: int) -> None:
        limit = f"{UNUSUAL_FACTOR} times the usual {usual}" if usual else f"{MAX_UNCONFIRMED} in a day"
        super().__init__(f"more than {limit}")
        self.usual = usual


def read_quantity(text: str) -> int:
    """Return a whole number from 1 to MOST. Raises InputError (`missing`, `not-a-number`, `too-small`, `too-large`)."""
    digits = text.strip().translate(_THOUSANDS_SEPARATORS)
    if not digits:
        raise InputError("quantity", "missing", "no quantity")
    is_negative = digits[0] in "-−"
    if not digits[is_negative:].isdecimal():
        raise InputError("quantity", "not-a-number", "the quantity is no whole number")
    if is_negative or int(digits[:20]) == 0:
        raise InputError("quantity", "too-small", "the quantity is less than one")
    if len(digits) > len(str(MAX_QUANTITY)) * 2 or int(digits) > MAX_QUANTITY:
        raise InputError("quantity", "too-large", f"the quantity is more than {MAX_QUANTITY}")
    return int(digits)


def check_quantity(quantity: int) -> None:
    """Raise InputError (`too-small`, `too-large`) unless the quantity is from 1 to MAX_QUANTITY."""
    if quantity < 1:
        raise InputError("quantity", "too-small", "the quantity is less than one")
    if quantity > MAX_QUANTITY:
        raise InputError("quantity", "too-large", f"the quantity is more than {MAX_QUANTITY}")


def read_day(text: str, *, opened_on: date, today: date, last_day: date | None = None) -> date:
    """Return the day of the actions. Raises InputError (`missing`, `not-a-date`, `future`, `too-early`, `too-late`).

    `last_day` is the day on which the appeal was stopped; None if it was not.
    """
    if not text.strip():
        raise InputError("day", "missing", "no day")
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError("day", "not-a-date", "this is not a day of the calendar") from error
    if day > today:
        raise InputError("day", "future", "the day is in the future")
    if day < opened_on:
        raise InputError("day", "too-early", "the appeal was not open yet")
    if last_day is not None and day > last_day:
        raise InputError("day", "too-late", "the appeal had been stopped")
    return day


def read_line(field: str, text: str, max_length: int) -> str:
    """Return a place or note in one line. Raises InputError (`too-long`)."""
    line = " ".join(text.split())
    if len(line) > max_length:
        raise InputError(field, "too-long", f"longer than {max_length} characters")
    return line


def usual_quantity(earlier_quantities: Sequence[int]) -> int:
    """Return the section's usual quantity: the median of its newest entries, or _USUAL if it has too few."""
    is_enough = len(earlier_quantities) >= _MIN_ENTRIES
    return round(statistics.median(earlier_quantities)) if is_enough else _USUAL


def refuse_unusual(quantity: int, earlier_quantities: Sequence[int], today_total: int = 0) -> None:
    """Raise UnusualQuantityError if the quantity and today's total exceed UNUSUAL_FACTOR times the usual quantity.

    `earlier_quantities` are entries of previous days, so that many large entries in a row do not make the next one
    usual.
    """
    usual = usual_quantity(earlier_quantities)
    if quantity + today_total > UNUSUAL_FACTOR * usual:
        raise UnusualQuantityError(usual)
    if quantity + today_total > MAX_UNCONFIRMED:
        raise UnusualQuantityError(0)
