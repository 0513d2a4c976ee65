"""An appeal's life: its states, its deadline in each section's own time zone, and its progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

# A signature made in time may still be confirmed so long after its section's deadline.
CONFIRMATION_GRACE = timedelta(hours=24)


class AppealState(StrEnum):
    """draft → open → closed, or stopped with an outcome."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    STOPPED = "stopped"


class TargetKind(StrEnum):
    """Who the letter goes to: the authority itself, somebody who gets a copy, or an embassy."""

    PRIMARY = "primary"
    COPY = "copy"
    EMBASSY = "embassy"


def end_of_day(day: date, time_zone: str) -> datetime:
    """The first moment after `day` in that IANA zone, in UTC: days are inclusive and may last 23 or 25 hours."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))
    return midnight.astimezone(UTC)


def is_in_time(deadline: date | None, time_zone: str, now: datetime) -> bool:
    """Whether a section in that zone still takes signatures; an appeal without a deadline always does."""
    return deadline is None or now < end_of_day(deadline, time_zone)


def is_confirmable(
    deadline: date | None, time_zone: str, ended_at: datetime | None, *, signed_at: datetime, now: datetime
) -> bool:
    """Whether a signature was made in time, and may still be confirmed 24 hours after its section's last moment.

    `ended_at` is when the appeal was closed, which may have been before the deadline.
    """
    moments = [ended_at] if ended_at is not None else []
    if deadline is not None:
        moments.append(end_of_day(deadline, time_zone))
    return not moments or (signed_at < min(moments) and now < min(moments) + CONFIRMATION_GRACE)


def is_reportable(deadline: date | None, time_zone: str, ended_at: datetime | None, now: datetime) -> bool:
    """Whether an act may still be reported: until 24 hours after the section's last moment, for what was done on it."""
    moments = [ended_at] if ended_at is not None else []
    if deadline is not None:
        moments.append(end_of_day(deadline, time_zone))
    return not moments or now < min(moments) + CONFIRMATION_GRACE


def goes_on(until: date, time_zone: str, now: datetime) -> bool:
    """Whether a section in that zone that goes on with a case until that day, inclusive, still does."""
    return now < end_of_day(until, time_zone)


def days_left(deadline: date | None, today: date, *, is_open: bool = True) -> int | None:
    """Return the whole days that remain after today; `None` without a deadline.

    0 on the last day and after it, and for an appeal that was closed or stopped before.
    """
    if deadline is None:
        return None
    return max(0, (deadline - today).days) if is_open else 0


@dataclass(frozen=True, slots=True)
class AppealProgress:
    """How far an appeal has come, each part as a share from 0 to 1."""

    signatures: float
    time: float


def progress(
    signatures: int, goal: int, opened_at: datetime | None, deadline: date | None, now: datetime
) -> AppealProgress:
    """Confirmed signatures against the goal, and the time used between opening and the end of the deadline (UTC)."""
    share = min(1.0, signatures / goal) if goal > 0 else 0.0
    if opened_at is None or deadline is None:
        return AppealProgress(share, 0.0)
    whole = (end_of_day(deadline, "UTC") - opened_at).total_seconds()
    used = (now - opened_at).total_seconds()
    return AppealProgress(share, min(1.0, max(0.0, used / whole)) if whole > 0 else 1.0)
