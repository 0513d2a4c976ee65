"""What staff enter for what was done away from the site: which quantity and day are usable, and what is asked back."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import date

from campaign.domain.errors import InputError, TocsinError

# More in one entry is a slip of the hand: no stall has brought home a million letters.
MOST = 1_000_000
# So many times what the section usually enters in a day is asked back about, and waits for a second person.
UNUSUAL = 10
# More than so many in a day always does, whatever is usual: a section may have got used to it step by step.
MOST_ALONE = 10_000
# What counts as usual where a section has entered hardly anything yet.
_USUAL, _FEW = 100, 3
# How many of the newest entries tell what is usual.
REMEMBERED = 20
PLACE_LENGTH, NOTE_LENGTH = 200, 1000
# How people write thousands apart; a point or a comma may be a decimal one, and is refused.
_GROUPING = {ord(character): None for character in " \u00a0\u202f\u2009'’"}


class UnusualQuantityError(TocsinError):
    """The quantity is far from what the section usually enters (`usual`): to be entered again if it is right.

    `usual` 0: it is more than one person enters in a day, whatever is usual.
    """

    def __init__(self, usual: int) -> None:
        beyond = f"{UNUSUAL} times the usual {usual}" if usual else f"{MOST_ALONE} in a day"
        super().__init__(f"more than {beyond}")
        self.usual = usual


def read_quantity(text: str) -> int:
    """A whole number from 1 to MOST. Raises InputError (`missing`, `not-a-number`, `too-small`, `too-large`)."""
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
    """The day on which it was done. Raises InputError (`missing`, `not-a-date`, `future`, `too-early`, `too-late`).

    `last`: the day on which the appeal was stopped, if it was.
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
    """A place or note in one line. Raises InputError (`too-long`)."""
    words = " ".join(text.split())
    if len(words) > most:
        raise InputError(field, "too-long", f"longer than {most} characters")
    return words


def usual(earlier: Sequence[int]) -> int:
    """What the section usually enters at once: the middle one of its newest entries."""
    return round(statistics.median(earlier)) if len(earlier) >= _FEW else _USUAL


def refuse_unusual(quantity: int, earlier: Sequence[int], today: int = 0) -> None:
    """Raise UnusualQuantityError where the quantity and entries of `today` exceed UNUSUAL times the usual.

    `earlier` are entries of days before, so that nobody makes a large one usual by entering many in a row.
    """
    if quantity + today > UNUSUAL * (known := usual(earlier)):
        raise UnusualQuantityError(known)
    if quantity + today > MOST_ALONE:
        raise UnusualQuantityError(0)
