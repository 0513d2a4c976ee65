"""The roll-up of the history of counts, which merges old rows so that reading them stays quick.

The slots of an hour are added up once the hour is over. The hours of a day are added up a week later. The sums never
change: each roll-up is one transaction, and a withdrawal waits for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, type_coerce, update
from sqlalchemy.orm import Session

from campaign.models import RollupProgress, TallyHour
from campaign.platform import UtcDateTime
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.counting.tally import hour_of

HOURLY_PERIOD = timedelta(days=8)
# A transaction reads the clock before it commits. After this time no transaction can still count in the past hour.
_GRACE = timedelta(hours=1)
_KEYS = ("appeal_id", "section_code", "channel", "evidence")


def roll_up(*, context: Context) -> int:
    """Roll up the rows that are old enough; return the number of rows that the history has lost."""
    slots_before = hour_of(context.now) - _GRACE
    days_before = hour_of(context.now - HOURLY_PERIOD).replace(hour=0)
    with transaction() as session:
        progress = _lock_progress(session)
        removed_rows = _roll_up(session, progress.slots_before, slots_before, TallyHour.hour)
        removed_rows += _roll_up(session, progress.days_before, days_before, _day(session))
        session.execute(
            update(RollupProgress).values(
                slots_before=max(slots_before, progress.slots_before),
                days_before=max(days_before, progress.days_before),
            )
        )
    return removed_rows


def _lock_progress(session: Session) -> Any:
    """Return the progress of the roll-up. Its row stays locked until the transaction ends."""
    return session.execute(select(RollupProgress.slots_before, RollupProgress.days_before).with_for_update()).one()


def _roll_up(session: Session, since: datetime, before: datetime, moment: Any) -> int:
    """Merge the rows from `since` to `before` into one row in slot 0 for each cell and `moment`.

    Returns the number of rows that the history has lost.
    """
    conditions = TallyHour.hour >= since, TallyHour.hour < before
    keys = [getattr(TallyHour, key) for key in _KEYS]
    sums = select(*keys, moment.label("hour"), func.sum(TallyHour.quantity)).where(*conditions).group_by(*keys, moment)
    rolled_up = [
        {**dict(zip((*_KEYS, "hour"), row, strict=False)), "slot": 0, "quantity": int(row[-1])}
        for row in session.execute(sums)
        if row[-1]
    ]
    deleted: int = session.connection().execute(delete(TallyHour).where(*conditions)).rowcount
    if rolled_up:
        session.connection().execute(insert(TallyHour), rolled_up)
    return deleted - len(rolled_up)


def _day(session: Session) -> ColumnElement[Any]:
    """Return the SQL expression for the start of an hour's day (UTC)."""
    if session.get_bind().dialect.name == "sqlite":
        return type_coerce(func.strftime("%Y-%m-%d 00:00:00.000000", TallyHour.hour), UtcDateTime)
    return func.date_trunc("day", TallyHour.hour, type_=UtcDateTime)
