"""Write transactions. No other module begins or commits one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from campaign.platform import db
from campaign.platform.database.sqlite import WRITE_OPTION
from campaign.platform.database.time_limit import COMMIT_SECONDS, limit_waits


@contextmanager
def transaction() -> Iterator[Session]:
    """Run the block in a write transaction: commit at its end, roll back everything at any error.

    The session starts empty, because objects read before may be stale. Transactions do not nest.

    Raises:
        RuntimeError: Objects were changed before, outside a transaction.
    """
    session = _new_session()
    try:
        session.connection(execution_options={WRITE_OPTION: True})
        yield session
        with limit_waits(COMMIT_SECONDS):
            session.commit()
    except BaseException:
        session.rollback()
        raise


def _new_session() -> Session:
    """Return the session, rolled back if it has read anything. Raises RuntimeError if it has unsaved changes."""
    session = db.session()
    if session.in_transaction():
        if session.new or session.dirty or session.deleted:
            raise RuntimeError("changes were made outside a transaction")
        session.rollback()
    return session


@contextmanager
def single_statement() -> Iterator[Connection]:
    """Run the block, which executes a single statement, in autocommit mode, without BEGIN and COMMIT.

    On SQLite, where the same write takes several statements, do the same as `transaction`.
    """
    if db.engine.dialect.name == "sqlite":
        with transaction() as session:
            yield session.connection()
        return
    _new_session()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection, limit_waits(COMMIT_SECONDS):
        yield connection
