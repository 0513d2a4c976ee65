"""The history of a mail domain: how many signatures were confirmed from it, and whether this week is unusual."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from datetime import date, timedelta

# The length of a week, which ends today.
WEEK_DAYS = 7
# A domain with at least this many times its earlier total in one week counts as new.
GROWTH_FACTOR = 10
_FORMAT = struct.Struct(f">IIQ{WEEK_DAYS}Q")


@dataclass(frozen=True, slots=True)
class DomainHistory:
    """The confirmations from one domain: its first day, the total before the current week, and each day of that week.

    The week ends with `week_end_on`; `by_day` starts with that day and goes backwards.
    """

    first_on: date
    week_end_on: date
    earlier_total: int = 0
    by_day: tuple[int, ...] = (0,) * WEEK_DAYS

    def up_to(self, today: date) -> DomainHistory:
        """Return the history with the week that ends today; unchanged if `today` is before `week_end_on`."""
        passed_days = (today - self.week_end_on).days
        if passed_days <= 0:
            return self
        remaining = self.by_day[: max(0, WEEK_DAYS - passed_days)]
        dropped_total = sum(self.by_day[len(remaining) :])
        by_day = (*(0,) * (WEEK_DAYS - len(remaining)), *remaining)
        return replace(self, week_end_on=today, earlier_total=self.earlier_total + dropped_total, by_day=by_day)

    def with_confirmations(self, day: date, number: int) -> DomainHistory:
        """Return the history with `number` more confirmations on that day."""
        current = self.up_to(day)
        age = (current.week_end_on - day).days
        first_on = min(current.first_on, day)
        if age >= WEEK_DAYS:
            return replace(current, first_on=first_on, earlier_total=current.earlier_total + number)
        by_day = (*current.by_day[:age], current.by_day[age] + number, *current.by_day[age + 1 :])
        return replace(current, first_on=first_on, by_day=by_day)

    def week_total(self, today: date) -> int:
        """Return the number of confirmations in the week that ends today."""
        return sum(self.up_to(today).by_day)

    def is_new(self, today: date) -> bool:
        """Return whether the domain counts as new in the week that ends today.

        It does if all its confirmations are of this week, or this week's are at least GROWTH_FACTOR times the earlier
        ones. It does not if there are none this week.
        """
        current = self.up_to(today)
        return 0 < sum(current.by_day) >= GROWTH_FACTOR * current.earlier_total

    @property
    def month(self) -> date:
        """Return the first day of the month of the last confirmation, or of the last day before the week."""
        last_age = next((age for age, number in enumerate(self.by_day) if number), WEEK_DAYS)
        return (self.week_end_on - timedelta(days=last_age)).replace(day=1)

    def pack(self) -> bytes:
        """Return the history as bytes, of the same length for every domain."""
        return _FORMAT.pack(self.first_on.toordinal(), self.week_end_on.toordinal(), self.earlier_total, *self.by_day)


def unpack_history(content: bytes) -> DomainHistory:
    """Return the history from the bytes that `pack` returned. Raises ValueError if the length is wrong."""
    try:
        first, week_end, earlier_total, *by_day = _FORMAT.unpack(content)
    except struct.error as error:
        raise ValueError("not a domain's numbers") from error
    return DomainHistory(date.fromordinal(first), date.fromordinal(week_end), earlier_total, tuple(by_day))
