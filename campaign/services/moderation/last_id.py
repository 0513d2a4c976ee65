"""The highest id of a table below which no row can appear any more.

PostgreSQL gives out an id before the row is committed, so a transaction may commit an id that is lower than committed
ones. A job that remembers the last id that it has processed would then skip the row for ever.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, scoped_session

from campaign.platform.database.base_model import Model

# The pauses between looks, in seconds. Most transactions that write a growing table take milliseconds.
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
# Each transaction that inserts has this lock from before it draws an id until other transactions see its rows.
_WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = to_regclass(:table)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()"
)


def settled_id(session: Session | scoped_session[Any], model: type[Model]) -> int | None:
    """Return the highest id of the table after the end of all transactions that could still commit a lower one.

    Return None if the table is empty, or if such a transaction does not end within two seconds. Writers never wait for
    this function. A row with such an id may be visible only to statements that begin after it returns.
    """
    newest_id: int | None = session.scalar(select(func.max(model.__table__.c.id)))
    if newest_id is None or session.connection().dialect.name != "postgresql":
        # SQLite has one writer at a time, so ids are committed in their order.
        return newest_id
    # Writers that begin later draw higher ids.
    open_writers = _writers(session, model)
    for pause in _PAUSES:
        if not open_writers:
            return newest_id
        time.sleep(pause)
        open_writers &= _writers(session, model)
    return None if open_writers else newest_id


def _writers(session: Session | scoped_session[Any], model: type[Model]) -> set[str]:
    """Return the transactions that have written the table and are still open."""
    return set(session.scalars(_WRITERS, {"table": model.__tablename__}))
