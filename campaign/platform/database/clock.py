"""The database's clock, which leases and retries use because the clocks of several machines differ.

Tests shift it for all processes at once with a row in `clock_offset`; in production that table is empty.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from campaign.platform.database.base_model import UtcDateTime

_OFFSET = "SELECT coalesce(sum(seconds), 0) FROM clock_offset"


class DatabaseClock(FunctionElement[datetime]):
    """The current moment, not the start of the transaction, shifted by `clock_offset`."""

    type = UtcDateTime()
    inherit_cache = True
    name = "database_clock"


@compiles(DatabaseClock, "sqlite")
def _database_clock_on_sqlite(_element: DatabaseClock, _compiler: Any, **_: Any) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({_OFFSET}) || ' seconds')"


@compiles(DatabaseClock, "postgresql")
def _database_clock_on_postgresql(_element: DatabaseClock, _compiler: Any, **_: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => ({_OFFSET})))"


class ServerClock(FunctionElement[datetime]):
    """The current moment by the database server's own clock, which tests do not shift."""

    type = UtcDateTime()
    inherit_cache = True
    name = "server_clock"


@compiles(ServerClock, "sqlite")
def _server_clock_on_sqlite(_element: ServerClock, _compiler: Any, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(ServerClock, "postgresql")
def _server_clock_on_postgresql(_element: ServerClock, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"


class TruncatedTime(FunctionElement[datetime]):
    """A moment truncated to the hour or to the day (UTC)."""

    type = UtcDateTime()
    inherit_cache = True
    name = "truncated_time"


class TruncatedToHour(TruncatedTime):
    """A column's moment truncated to the hour."""

    inherit_cache = True


class TruncatedToDay(TruncatedTime):
    """A column's moment truncated to the day (UTC)."""

    inherit_cache = True


@compiles(TruncatedToHour, "sqlite")
def _truncate_to_hour_on_sqlite(element: TruncatedToHour, compiler: Any, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d %H:00:00.000000', {compiler.process(element.clauses, **kw)})"


@compiles(TruncatedToDay, "sqlite")
def _truncate_to_day_on_sqlite(element: TruncatedToDay, compiler: Any, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d 00:00:00.000000', {compiler.process(element.clauses, **kw)})"


@compiles(TruncatedToHour, "postgresql")
def _truncate_to_hour_on_postgresql(element: TruncatedToHour, compiler: Any, **kw: Any) -> str:
    return f"date_trunc('hour', {compiler.process(element.clauses, **kw)}, 'UTC')"


@compiles(TruncatedToDay, "postgresql")
def _truncate_to_day_on_postgresql(element: TruncatedToDay, compiler: Any, **kw: Any) -> str:
    return f"date_trunc('day', {compiler.process(element.clauses, **kw)}, 'UTC')"


_SERVER_NOW = select(ServerClock())


def server_now(session: Session) -> datetime:
    """Return the current moment by the database server's own clock."""
    now: datetime = session.execute(_SERVER_NOW).scalar_one()
    return now
