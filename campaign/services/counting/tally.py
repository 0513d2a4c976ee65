"""Changes of the stored counts, in the transaction that writes or deletes the counted actions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.models import Action, RollupProgress, Tally, TallyHour
from campaign.platform.database.combined_statement import Write

# With so many slots, 32 connections that count for one section seldom wait for the same row.
SLOT_COUNT = 16
# The columns of an action that `adjust_tallies` needs.
TALLY_COLUMNS = (
    Action.appeal_id, Action.section_code, Action.channel, Action.evidence, Action.counted_at, Action.quantity
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class TallyCell:
    """The key of a count: one appeal, section, channel and evidence."""

    appeal_id: int
    section_code: str
    channel: str
    evidence: str

    def as_columns(self) -> dict[str, Any]:
        """Return the values under the names of their columns."""
        return {
            "appeal_id": self.appeal_id,
            "section_code": self.section_code,
            "channel": self.channel,
            "evidence": self.evidence,
        }


def hour_of(time: datetime) -> datetime:
    """Return the start of the hour (UTC) in which that time is counted."""
    return time.replace(minute=0, second=0, microsecond=0)


def choose_slot(dialect: str) -> int:
    """Return the slot to count in: 0 on SQLite, which has one writer; else random, so that few transactions collide."""
    return 0 if dialect == "sqlite" else random.randrange(SLOT_COUNT)  # noqa: S311  no secret


def count(
    connection: Connection, cell: TallyCell, counted_at: datetime, quantity: int, *, is_past: bool = False
) -> None:
    """Add the quantity, which may be negative, to the cell's total and to the hour of `counted_at`.

    Set `is_past` to add an action that was counted earlier: its hour may be rolled up into its day. Call it in the
    transaction that writes or deletes the action.
    """
    if quantity < 0 or is_past:
        hour = _stored_hour(connection, hour_of(counted_at))
        values = cell.as_columns() | {"slot": 0, "quantity": quantity}
        connection.execute(_UPSERTS[connection.dialect.name, "total"], values)
        connection.execute(_UPSERTS[connection.dialect.name, "hour"], values | {"hour": hour})
        return
    for statement, row in count_writes(connection.dialect.name, cell, counted_at, quantity):
        connection.execute(statement, row)


def count_writes(dialect: str, cell: TallyCell, counted_at: datetime, quantity: int) -> Iterator[Write]:
    """Yield the writes of `count` for an action that is counted now. They can be combined with other writes."""
    values = cell.as_columns() | {"slot": choose_slot(dialect), "quantity": quantity}
    yield _UPSERTS[dialect, "total"], values
    yield _UPSERTS[dialect, "hour"], values | {"hour": hour_of(counted_at)}


def count_many(connection: Connection, changes: Mapping[tuple[TallyCell, datetime], int]) -> None:
    """Add quantities to many cells and hours together, as `count` does with `is_past`.

    Totals are written before hours, and both in sorted order, so that two transactions never deadlock.
    """
    rolled_up_before = connection.execute(_ROLLED_UP_BEFORE).scalar_one_or_none()
    totals: Counter[TallyCell] = Counter()
    hours: Counter[tuple[TallyCell, datetime]] = Counter()
    for (cell, time), quantity in changes.items():
        hour = hour_of(time)
        totals[cell] += quantity
        hours[cell, _hour_in_history(hour, rolled_up_before)] += quantity
    total_rows = [cell.as_columns() | {"slot": 0, "quantity": totals[cell]} for cell in sorted(totals)]
    hour_rows = [
        cell.as_columns() | {"slot": 0, "quantity": hours[cell, hour], "hour": hour} for cell, hour in sorted(hours)
    ]
    if total_rows:
        connection.execute(_UPSERTS[connection.dialect.name, "total"], total_rows)
        connection.execute(_UPSERTS[connection.dialect.name, "hour"], hour_rows)


def adjust_tallies(session: Session, rows: Sequence[Any], sign: int) -> None:
    """Add actions, given as rows of TALLY_COLUMNS, to the tallies; with `sign` -1 subtract them.

    Call this in the transaction that inserts or deletes the actions.
    """
    changes: Counter[tuple[TallyCell, datetime]] = Counter()
    for appeal_id, section, channel, evidence, counted_at, quantity in rows:
        changes[TallyCell(appeal_id, section, channel, evidence), hour_of(counted_at)] += sign * quantity
    count_many(session.connection(), changes)


def move_to_day(connection: Connection, counted: Mapping[tuple[TallyCell, datetime], int]) -> None:
    """Move the quantities of those hours to the first hour of their days (UTC), as a roll-up would.

    Totals and days' counts do not change. Hours that are rolled up were moved before. Rows that become empty are
    deleted, because they would show the hour.
    """
    rolled_up_before = connection.execute(_ROLLED_UP_BEFORE).scalar_one_or_none()
    hours: Counter[tuple[TallyCell, datetime]] = Counter()
    for (cell, hour), quantity in counted.items():
        if rolled_up_before is None or hour >= rolled_up_before:
            hours[cell, hour] -= quantity
            hours[cell, hour.replace(hour=0)] += quantity
    rows = [
        cell.as_columns() | {"slot": 0, "quantity": quantity, "hour": hour}
        for (cell, hour), quantity in sorted(hours.items())
        if quantity
    ]
    if rows:
        connection.execute(_UPSERTS[connection.dialect.name, "hour"], rows)
        connection.execute(_DELETE_EMPTY, [{f"of_{name}": value for name, value in row.items()} for row in rows])


def _stored_hour(connection: Connection, hour: datetime) -> datetime:
    """Return the hour under which the history stores that hour: the first one of its day where the day is rolled up.

    The read locks out roll-ups until the transaction ends.
    """
    return _hour_in_history(hour, connection.execute(_ROLLED_UP_BEFORE).scalar_one_or_none())


def _hour_in_history(hour: datetime, rolled_up_before: datetime | None) -> datetime:
    return hour.replace(hour=0) if rolled_up_before is not None and hour < rolled_up_before else hour


_DELETE_EMPTY = delete(TallyHour).where(
    TallyHour.quantity == 0,
    *(column == bindparam(f"of_{column.name}") for column in TallyHour.__table__.primary_key),
)
_ROLLED_UP_BEFORE = select(RollupProgress.days_before).with_for_update(read=True)


def _upsert(dialect: str, model: type[Tally] | type[TallyHour]) -> Insert:
    """Return the dialect's insert that adds the quantity to a row that exists already."""
    keys = [column.name for column in model.__table__.primary_key]
    if dialect == "sqlite":
        row = sqlite.insert(model)
        return row.on_conflict_do_update(keys, set_={"quantity": model.quantity + row.excluded.quantity})
    new_row = postgresql.insert(model)
    quantity = model.quantity + new_row.excluded.quantity
    return new_row.on_conflict_do_update(index_elements=keys, set_={"quantity": quantity})


# Built once, because the statement cache finds statements by identity.
_UPSERTS = {
    (dialect, name): _upsert(dialect, model)
    for dialect in ("sqlite", "postgresql")
    for name, model in (("total", Tally), ("hour", TallyHour))
}
