"""The pace of an appeal: signatures a day, the pace needed for the goal, and the projection for the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaign.domain.appeals.appeal import end_of_day

# Long enough to average out a weekend, and short enough to show an effect of yesterday.
WINDOW = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Confirmed signatures a day. `needed` and `projection` are None without a deadline, or after it."""

    current: float
    needed: float | None
    projection: int | None


def pace(
    signatures: int, recent: int, goal: int, *, opened_at: datetime | None, deadline: date | None, now: datetime
) -> Pace:
    """Return the pace of an appeal.

    `recent` is the number of signatures in the last WINDOW, or since the opening where the appeal is younger. The
    deadline's day ends in UTC here, as in the progress bars.
    """
    age = now - opened_at if opened_at is not None else WINDOW
    # At least an hour, so that three signatures in the first minute do not become a pace of four thousand a day.
    measured = min(WINDOW, max(age, timedelta(hours=1)))
    current = recent / (measured / _DAY)
    if deadline is None:
        return Pace(current, None, None)
    remaining_days = (end_of_day(deadline, "UTC") - now) / _DAY
    if remaining_days <= 0:
        return Pace(current, None, None)
    return Pace(current, max(0, goal - signatures) / remaining_days, signatures + round(current * remaining_days))
