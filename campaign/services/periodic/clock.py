"""The time that what ends, closes or deletes goes by: the database's, and only where this machine's agrees with it.

A machine whose clock is wrong by months would close appeals before their time and delete what people wait for, for
good. Neither clock alone can be believed then, so nothing of that kind is done until they agree.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from campaign.domain.errors import TocsinError
from campaign.platform import db
from campaign.platform.database.clock import DatabaseClock

MOST_APART = timedelta(minutes=5)
_NOW = select(DatabaseClock())


class ClocksApartError(TocsinError):
    """This machine's clock and the database's differ by more than five minutes."""


def agreed_now(own: datetime) -> datetime:
    """Return the database's time. Raises ClocksApartError where `own`, this machine's, is too far from it."""
    now: datetime = db.session.execute(_NOW).scalar_one()
    db.session.rollback()
    if abs(now - own) > MOST_APART:
        raise ClocksApartError(
            f"this machine's clock says {own:%Y-%m-%d %H:%M} UTC and the database's {now:%Y-%m-%d %H:%M}: "
            "set them right; until then nothing is closed, reminded of or deleted"
        )
    return now
