"""PostgreSQL's row-level security: a second barrier between sections, beneath the filter in the queries.

Every transaction of the staff application tells the database its section, which then hides the signatures, consents and
mails of all others. A connection of the staff application that has named no section sees none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

SETTING = "tocsin.section"
# The value that a connection starts with; no section has this code.
NOBODY = "none"
_section: ContextVar[str | None] = ContextVar("tocsin_section", default=None)


def build(engine: Engine) -> None:
    """Set the section at the beginning of each transaction of the engine.

    Do nothing on SQLite, which has no row-level security.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _set_section)


@contextmanager
def section(code: str) -> Iterator[None]:
    """Restrict reads and writes inside the block to that section. Needs the staff application's context."""
    token = _section.set(code)
    try:
        yield
    finally:
        _section.reset(token)


def enter(session: Session, code: str) -> None:
    """Restrict the rest of this request to that section, until `leave`."""
    _section.set(code)
    if session.in_transaction():
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            _set_section(connection)


def leave() -> None:
    """Forget the section at the end of a request, because the thread serves another user next."""
    _section.set(None)


def _set_section(connection: Connection) -> None:
    code = _section.get()
    if code is not None:
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (SETTING, code))
