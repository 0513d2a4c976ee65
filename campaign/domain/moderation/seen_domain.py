"""The record of a mail domain from which signatures were confirmed, and whether its numbers this week are unusual."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from datetime import date, timedelta

# The length of a week, which ends today.
WEEK_DAYS = 7
# A domain with this many times its earlier total in one week counts as new.
GROWTH_FACTOR = 10
_FORM = struct.Struct(f">IIQ{WEEK_DAYS}Q")


@dataclass(frozen=True, slots=True)
class SeenDomain:
    """The first day of a domain, its confirmations before the week that ends with `newest_on`, and on each day of it.

    `days` starts with `newest_on` and goes backwards.
    """

    first_on: date
    newest_on: date
    before: int = 0
    days: tuple[int, ...] = (0,) * WEEK_DAYS

    def on(self, today: date) -> SeenDomain:
        """Return the record with the week that ends today; unchanged if `today` is before `newest_on`."""
        passed = (today - self.newest_on).days
        if passed <= 0:
            return self
        remaining = self.days[: max(0, WEEK_DAYS - passed)]
        earlier = sum(self.days[len(remaining) :])
        days = (*(0,) * (WEEK_DAYS - len(remaining)), *remaining)
        return replace(self, newest_on=today, before=self.before + earlier, days=days)

    def plus(self, day: date, number: int) -> SeenDomain:
        """Return the record with `number` more confirmations on that day."""
        current = self.on(day)
        age = (current.newest_on - day).days
        first_on = min(current.first_on, day)
        if age >= WEEK_DAYS:
            return replace(current, first_on=first_on, before=current.before + number)
        days = (*current.days[:age], current.days[age] + number, *current.days[age + 1 :])
        return replace(current, first_on=first_on, days=days)

    def week(self, today: date) -> int:
        """Return the number of confirmations in the week that ends today."""
        return sum(self.on(today).days)

    def is_new(self, today: date) -> bool:
        """Return whether its first confirmations were this week, or this week's are JUMP times all earlier ones."""
        current = self.on(today)
        return 0 < sum(current.days) >= GROWTH_FACTOR * current.before

    @property
    def month(self) -> date:
        """Return the first day of the month of its last confirmation."""
        last = next((age for age, number in enumerate(self.days) if number), WEEK_DAYS)
        return (self.newest_on - timedelta(days=last)).replace(day=1)

    def packed(self) -> bytes:
        """Return the record as bytes, of the same length for every domain."""
        return _FORM.pack(self.first_on.toordinal(), self.newest_on.toordinal(), self.before, *self.days)


def unpack_record(content: bytes) -> SeenDomain:
    """Return the record from the bytes that `packed` returned. Raise ValueError if they are none."""
    try:
        first, newest, before, *days = _FORM.unpack(content)
    except struct.error as error:
        raise ValueError("not a domain's numbers") from error
    return SeenDomain(date.fromordinal(first), date.fromordinal(newest), before, tuple(days))
