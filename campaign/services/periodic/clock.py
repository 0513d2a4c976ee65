"""The time for jobs that close or delete: the database's, and only where this machine's clock agrees with it.

A machine whose clock is wrong by months would close appeals too early and irreversibly delete what people wait for.
Neither clock alone can be trusted then, so no such job runs until they agree.
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
    """A difference of more than five minutes between this machine's clock and the database's."""


def agreed_now(own: datetime) -> datetime:
    """Return the database's time. Raises ClocksApartError where `own`, this machine's time, is too far from it."""
    now: datetime = db.session.execute(_NOW).scalar_one()
    db.session.rollback()
    if abs(now - own) > MAX_DIFFERENCE:
        raise ClocksApartError(
            f"this machine's clock says {own:%Y-%m-%d %H:%M} UTC and the database's {now:%Y-%m-%d %H:%M}: "
            "set them right; until then nothing is closed, reminded of or deleted"
        )
    return now
