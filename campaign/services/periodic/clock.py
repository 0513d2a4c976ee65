"""The time for jobs that close appeals or delete data. It is the database's time, checked against this machine's clock.

A clock that is wrong by months would close appeals too early and delete data that is still needed. While the two clocks
disagree, neither can be trusted, so no such job runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from campaign.domain.errors import TocsinError
from campaign.platform import db
from campaign.platform.database.clock import DatabaseClock

MAX_DIFFERENCE = timedelta(minutes=5)
_NOW = select(DatabaseClock())


class ClocksApartError(TocsinError):
    """This machine's clock and the database's clock differ by more than MAX_DIFFERENCE."""


def agreed_now(machine_time: datetime) -> datetime:
    """Return the database's time. Raises ClocksApartError where `machine_time` differs too much from it."""
    now: datetime = db.session.execute(_NOW).scalar_one()
    db.session.rollback()
    if abs(now - machine_time) > MAX_DIFFERENCE:
        raise ClocksApartError(
            f"this machine's clock says {machine_time:%Y-%m-%d %H:%M} UTC and the database's {now:%Y-%m-%d %H:%M}: "
            "set them right; until then nothing is closed, reminded of or deleted"
        )
    return now
