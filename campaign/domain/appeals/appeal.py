"""The lifecycle of an appeal: its states, its deadline in each section's time zone, and its progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

# A signature made in time may be confirmed for this long after its section's deadline.
CONFIRMATION_GRACE = timedelta(hours=24)


class AppealState(StrEnum):
    """The states: draft → open → closed, or stopped with an outcome."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    STOPPED = "stopped"


class TargetKind(StrEnum):
    """The kinds of targets: the authority itself, the recipient of a copy, or an embassy."""

    PRIMARY = "primary"
    COPY = "copy"
    EMBASSY = "embassy"


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the first moment after `day` in that IANA zone, in UTC. A day may last 23 or 25 hours."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))
    return midnight.astimezone(UTC)


def is_in_time(deadline: date | None, time_zone: str, now: datetime) -> bool:
    """Return whether a section in that zone still accepts signatures; without a deadline it always does."""
    return deadline is None or now < end_of_day(deadline, time_zone)


def is_confirmable(
    deadline: date | None, time_zone: str, ended_at: datetime | None, *, signed_at: datetime, now: datetime
) -> bool:
    """Return whether a signature was made in time and may still be confirmed.

    Signing ends with the section's deadline, or at `ended_at` (UTC) if the appeal was closed or stopped before it.
    Confirming ends CONFIRMATION_GRACE later.
    """
    end = _end_of_signing(deadline, time_zone, ended_at)
    return end is None or (signed_at < end and now < end + CONFIRMATION_GRACE)


def is_reportable(deadline: date | None, time_zone: str, ended_at: datetime | None, now: datetime) -> bool:
    """Return whether an action may still be reported: until CONFIRMATION_GRACE after the end of signing."""
    end = _end_of_signing(deadline, time_zone, ended_at)
    return end is None or now < end + CONFIRMATION_GRACE


def _end_of_signing(deadline: date | None, time_zone: str, ended_at: datetime | None) -> datetime | None:
    """Return the earlier of the deadline's end and `ended_at`, in UTC; None if there is neither."""
    moments = [] if ended_at is None else [ended_at]
    if deadline is not None:
        moments.append(end_of_day(deadline, time_zone))
    return min(moments, default=None)


def is_continued(until: date, time_zone: str, now: datetime) -> bool:
    """Return whether a section in that zone still continues a case that it continues until that day, inclusive."""
    return now < end_of_day(until, time_zone)


def days_left(deadline: date | None, today: date, *, is_open: bool = True) -> int | None:
    """Return the number of whole days that remain after today; None without a deadline.

    It is 0 on the last day and later, and for an appeal that was closed or stopped.
    """
    if deadline is None:
        return None
    return max(0, (deadline - today).days) if is_open else 0


@dataclass(frozen=True, slots=True)
class AppealProgress:
    """The progress of an appeal: signatures and time, each as a share from 0 to 1."""

    signatures: float
    time: float


def progress(
    signatures: int, goal: int, opened_at: datetime | None, deadline: date | None, now: datetime
) -> AppealProgress:
    """Return confirmed signatures relative to the goal, and the time used between opening and deadline (UTC)."""
    share = min(1.0, signatures / goal) if goal > 0 else 0.0
    if opened_at is None or deadline is None:
        return AppealProgress(share, 0.0)
    total_seconds = (end_of_day(deadline, "UTC") - opened_at).total_seconds()
    used_seconds = (now - opened_at).total_seconds()
    return AppealProgress(share, min(1.0, max(0.0, used_seconds / total_seconds)) if total_seconds > 0 else 1.0)
