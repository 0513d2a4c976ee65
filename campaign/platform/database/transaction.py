"""The one place where a transaction begins and commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from campaign.platform import db
from campaign.platform.database.sqlite import WRITES
from campaign.platform.database.time_limit import COMMIT_SECONDS, within


@contextmanager
def transaction() -> Iterator[Session]:
    """A write transaction: committed at the end, rolled back whole at any error.

    It always starts afresh, because what was read before it may be stale; it does not nest.
    """
    session = _afresh()
    try:
        session.connection(execution_options={WRITES: True})
        yield session
        with within(COMMIT_SECONDS):
            session.commit()
    except BaseException:
        session.rollback()
        raise


def _afresh() -> Session:
    """The session, with nothing of what was read before."""
    session = db.session()
    if session.in_transaction():
        if session.new or session.dirty or session.deleted:
            raise RuntimeError("changes were made outside a transaction")
        session.rollback()
    return session


@contextmanager
def one_statement() -> Iterator[Connection]:
    """For a write that PostgreSQL takes as one statement: that is a transaction already, and needs no BEGIN and COMMIT.

    On SQLite, which takes it as several, the same as `transaction`.
    """
    if db.engine.dialect.name == "sqlite":
        with transaction() as session:
            yield session.connection()
        return
    _afresh()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection, within(COMMIT_SECONDS):
        yield connection
