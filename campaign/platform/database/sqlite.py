"""The settings of SQLite connections: no commit is lost in a crash, and many readers work at the same time as a writer.

The database itself allows one writer at a time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

# The execution option of a connection that begins a write transaction.
WRITE_OPTION = "tocsin_writes"
_BUSY_MILLISECONDS = 15_000


def prepare(engine: Engine) -> None:
    """Configure each new connection, and issue BEGIN here instead of in the driver."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late to protect a read before a write
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged signature is on the disk
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # deleted content is overwritten with zeros
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails if another has written in between. A transaction that
        # begins as a write transaction waits for the other one instead.
        writes = connection.get_execution_options().get(WRITE_OPTION, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
