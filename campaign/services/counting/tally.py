"""Changing the stored counts in the transaction that writes or deletes the actions they count."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from campaign.models import RollupProgress, Tally, TallyHour
from campaign.platform.database.combined_statement import Write

# Enough that 32 connections counting for one section seldom meet on one row.
SLOTS = 16


@dataclass(frozen=True, slots=True, order=True)
class TallyCell:
    """What is counted apart: one appeal, section, channel and evidence."""

    appeal_id: int
    section_code: str
    channel: str
    evidence: str

    def as_columns(self) -> dict[str, Any]:
        """The values under the names of their columns."""
        return {
            "appeal_id": self.appeal_id,
            "section_code": self.section_code,
            "channel": self.channel,
            "evidence": self.evidence,
        }


def hour_of(moment: datetime) -> datetime:
    """The hour (UTC) that a moment is counted in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def free_slot(dialect: str) -> int:
    """Where to count, so that few meet there; SQLite has one writer at a time anyway."""
    return 0 if dialect == "sqlite" else random.randrange(SLOTS)  # noqa: S311  no secret


def count(
    connection: Connection, cell: TallyCell, counted_at: datetime, quantity: int, *, is_past: bool = False
) -> None:
    """Adds to (or with a negative quantity takes from) the cell's total and the hour in which it was counted.

    `is_past` where something is added that was counted earlier: its hour may have been folded into its day.
    Belongs into the transaction that writes or deletes the action.
    """
    if quantity < 0 or is_past:
        hour = _kept_hour(connection, hour_of(counted_at))
        values = cell.as_columns() | {"slot": 0, "quantity": quantity}
        connection.execute(_ADDING[connection.dialect.name, "total"], values)
        connection.execute(_ADDING[connection.dialect.name, "hour"], values | {"hour": hour})
        return
    for statement, row in counting(connection.dialect.name, cell, counted_at, quantity):
        connection.execute(statement, row)


def counting(dialect: str, cell: TallyCell, counted_at: datetime, quantity: int) -> Iterator[Write]:
    """The writes of `count` for what is counted now, to be made together with others."""
    values = cell.as_columns() | {"slot": free_slot(dialect), "quantity": quantity}
    yield _ADDING[dialect, "total"], values
    yield _ADDING[dialect, "hour"], values | {"hour": hour_of(counted_at)}


def count_many(connection: Connection, changes: Mapping[tuple[TallyCell, datetime], int]) -> None:
    """As `count`, for many cells and the hours in which they were counted at once: what was counted earlier changes.

    Totals before hours, each in one order: so two of them never wait for each other.
    """
    before = connection.execute(_FOLDED).scalar_one_or_none()
    totals: Counter[TallyCell] = Counter()
    hours: Counter[tuple[TallyCell, datetime]] = Counter()
    for (cell, moment), quantity in changes.items():
        hour = hour_of(moment)
        totals[cell] += quantity
        hours[cell, hour.replace(hour=0) if before is not None and hour < before else hour] += quantity
    total_rows = [cell.as_columns() | {"slot": 0, "quantity": totals[cell]} for cell in sorted(totals)]
    hour_rows = [
        cell.as_columns() | {"slot": 0, "quantity": hours[cell, hour], "hour": hour} for cell, hour in sorted(hours)
    ]
    if total_rows:
        connection.execute(_ADDING[connection.dialect.name, "total"], total_rows)
        connection.execute(_ADDING[connection.dialect.name, "hour"], hour_rows)


def move_to_day(connection: Connection, counted: Mapping[tuple[TallyCell, datetime], int]) -> None:
    """Move what was counted in those hours to the first hour of their days (UTC), where a fold would bring it.

    Totals and days stay. What is folded stands there already. No empty hour is left to tell which one it was.
    """
    before = connection.execute(_FOLDED).scalar_one_or_none()
    hours: Counter[tuple[TallyCell, datetime]] = Counter()
    for (cell, hour), quantity in counted.items():
        if before is None or hour >= before:
            hours[cell, hour] -= quantity
            hours[cell, hour.replace(hour=0)] += quantity
    rows = [
        cell.as_columns() | {"slot": 0, "quantity": quantity, "hour": hour}
        for (cell, hour), quantity in sorted(hours.items())
        if quantity
    ]
    if rows:
        connection.execute(_ADDING[connection.dialect.name, "hour"], rows)
        connection.execute(_DROPPING, [{f"of_{name}": value for name, value in row.items()} for row in rows])


def _kept_hour(connection: Connection, hour: datetime) -> datetime:
    """Where the history keeps that hour: itself, or its day where that is folded. No fold runs until we commit."""
    before = connection.execute(_FOLDED).scalar_one_or_none()
    return hour.replace(hour=0) if before is not None and hour < before else hour


_DROPPING = delete(TallyHour).where(
    TallyHour.quantity == 0,
    *(column == bindparam(f"of_{column.name}") for column in TallyHour.__table__.primary_key),
)
_FOLDED = select(RollupProgress.days_before).with_for_update(read=True)


def _upsert(dialect: str, model: type[Tally] | type[TallyHour]) -> Insert:
    keys = [column.name for column in model.__table__.primary_key]
    if dialect == "sqlite":
        lite = sqlite.insert(model)
        return lite.on_conflict_do_update(keys, set_={"quantity": model.quantity + lite.excluded.quantity})
    full = postgresql.insert(model)
    return full.on_conflict_do_update(index_elements=keys, set_={"quantity": model.quantity + full.excluded.quantity})


# Built once: the statement cache then finds them by identity.
_ADDING = {
    (dialect, name): _upsert(dialect, model)
    for dialect in ("sqlite", "postgresql")
    for name, model in (("total", Tally), ("hour", TallyHour))
}
