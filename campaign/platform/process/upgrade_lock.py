"""A lock for `flask db upgrade`: a second upgrade waits for the first, and then finds nothing left to do."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

# Any number that nothing else in this database locks.
_KEY = 7_246_005_513
_WAITING = "another upgrade is running: waiting for its end"


@contextmanager
def one_at_a_time(connection: Connection, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the upgrade lock of this database inside the block; call `say` with a message before waiting for it."""
    if connection.dialect.name == "postgresql":
        with _advisory_lock(connection, say):
            yield
    else:
        with _folder_lock(Path(str(connection.engine.url.database)).parent, say):
            yield


@contextmanager
def _advisory_lock(connection: Connection, say: Callable[[str], None]) -> Iterator[None]:
    """Hold an advisory lock of the session, because each migration has its own transaction.

    A rollback does not release such a lock.
    """
    key = {"key": _KEY}
    if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one():
        say(_WAITING)
        connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
    connection.rollback()
    try:
        yield
    finally:
        # A migration that failed may have left its transaction open.
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        connection.rollback()


@contextmanager
def _folder_lock(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Lock the database's folder, not its file: closing the file would drop the locks that SQLite holds on it."""
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(_WAITING)
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
