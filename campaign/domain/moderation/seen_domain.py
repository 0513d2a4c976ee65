"""A mail domain from which signatures were confirmed: what is known of it, and whether that many this week are news."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from datetime import date, timedelta

# This week: today and the days before.
DAYS = 7
# So many times what a domain ever had before is as if it had never been seen.
JUMP = 10
_FORM = struct.Struct(f">IIQ{DAYS}Q")


@dataclass(frozen=True, slots=True)
class SeenDomain:
    """The first day, what was confirmed before the week that ends with `newest_on`, and on each day of it.

    `days` begins with `newest_on` and goes back.
    """

    first_on: date
    newest_on: date
    before: int = 0
    days: tuple[int, ...] = (0,) * DAYS

    def on(self, today: date) -> SeenDomain:
        """Return the same with the week that ends today; unchanged where today is earlier than what is known."""
        passed = (today - self.newest_on).days
        if passed <= 0:
            return self
        left = self.days[: max(0, DAYS - passed)]
        gone = sum(self.days[len(left) :])
        days = (*(0,) * (DAYS - len(left)), *left)
        return replace(self, newest_on=today, before=self.before + gone, days=days)

    def plus(self, day: date, number: int) -> SeenDomain:
        """Return it with so many more that were confirmed on the day."""
        found = self.on(day)
        age = (found.newest_on - day).days
        first_on = min(found.first_on, day)
        if age >= DAYS:
            return replace(found, first_on=first_on, before=found.before + number)
        days = (*found.days[:age], found.days[age] + number, *found.days[age + 1 :])
        return replace(found, first_on=first_on, days=days)

    def week(self, today: date) -> int:
        """Return how many were confirmed in the week that ends today."""
        return sum(self.on(today).days)

    def is_new(self, today: date) -> bool:
        """Return whether this week it confirmed for the first time, or JUMP times as many as in all the time before."""
        found = self.on(today)
        return 0 < sum(found.days) >= JUMP * found.before

    @property
    def month(self) -> date:
        """The first day of the month in which it last confirmed."""
        last = next((age for age, number in enumerate(self.days) if number), DAYS)
        return (self.newest_on - timedelta(days=last)).replace(day=1)

    def packed(self) -> bytes:
        """Return it as bytes, of the same length for each domain."""
        return _FORM.pack(self.first_on.toordinal(), self.newest_on.toordinal(), self.before, *self.days)


def unpacked(content: bytes) -> SeenDomain:
    """Return what `packed` made. Raise ValueError."""
    try:
        first, newest, before, *days = _FORM.unpack(content)
    except struct.error as error:
        raise ValueError("not a domain's numbers") from error
    return SeenDomain(date.fromordinal(first), date.fromordinal(newest), before, tuple(days))
