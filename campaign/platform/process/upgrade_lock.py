"""A lock for `flask db upgrade`: a second upgrade waits until the first has ended, and then has nothing to do."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

# The number of the advisory lock: arbitrary, and used by no other lock in this database.
_LOCK_NUMBER = 7_246_005_513
_WAITING = "another upgrade is running: waiting for its end"


@contextmanager
def upgrade_lock(connection: Connection, print_line: Callable[[str], None]) -> Iterator[None]:
    """Lock upgrades of this database inside the block; before waiting for the lock, call `print_line` with a message.

    The message says that another upgrade is running.
    """
    if connection.dialect.name == "postgresql":
        with _advisory_lock(connection, print_line):
            yield
    else:
        with _folder_lock(Path(str(connection.engine.url.database)).parent, print_line):
            yield


@contextmanager
def _advisory_lock(connection: Connection, print_line: Callable[[str], None]) -> Iterator[None]:
    """Lock for the whole session, because each migration has its own transaction.

    A rollback does not release an advisory lock of a session.
    """
    parameters = {"number": _LOCK_NUMBER}
    if not connection.execute(text("SELECT pg_try_advisory_lock(:number)"), parameters).scalar_one():
        print_line(_WAITING)
        connection.execute(text("SELECT pg_advisory_lock(:number)"), parameters)
    connection.rollback()
    try:
        yield
    finally:
        # A migration that failed may have left its transaction open.
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:number)"), parameters)
        connection.rollback()


@contextmanager
def _folder_lock(folder: Path, print_line: Callable[[str], None]) -> Iterator[None]:
    """Lock the database's folder, not its file: closing the file would drop the locks that SQLite holds on it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_line(_WAITING)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
