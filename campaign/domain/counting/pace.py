"""How fast signatures come in, how fast they would have to, and where that leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaign.domain.appeals.appeal import end_of_day

# Long enough that a weekend does not look like the end, short enough that yesterday's push shows.
WINDOW = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Confirmed signatures a day. `needed` and `projection` are None without a deadline, or after it."""

    now: float
    needed: float | None
    projection: int | None


def pace(
    signatures: int, recent: int, goal: int, *, opened_at: datetime | None, deadline: date | None, now: datetime
) -> Pace:
    """`recent` are those of the last WINDOW; an appeal younger than that is measured since it opened.

    The deadline's day counts in UTC, as in the progress bars.
    """
    age = now - opened_at if opened_at is not None else WINDOW
    # An hour at least: three signatures in the first minute are no pace of four thousand a day.
    measured = min(WINDOW, max(age, timedelta(hours=1)))
    today = recent / (measured / _DAY)
    if deadline is None:
        return Pace(today, None, None)
    left = (end_of_day(deadline, "UTC") - now) / _DAY
    if left <= 0:
        return Pace(today, None, None)
    return Pace(today, max(0, goal - signatures) / left, signatures + round(today * left))
