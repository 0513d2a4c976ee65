"""PostgreSQL's row-level security: a second barrier between sections, beneath the filter in the queries.

Every transaction of the staff application sets its section in the database, which then hides the signatures, consents
and mails of all other sections. A connection of the staff application without a section sees none of these rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

SETTING = "tocsin.section"
# The value of the setting at the start of a connection; no section has this code.
NO_SECTION = "none"
_section: ContextVar[str | None] = ContextVar("tocsin_section", default=None)


def install(engine: Engine) -> None:
    """Set the current section at the beginning of each transaction of the engine.

    Do nothing on SQLite, which has no row-level security.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _set_section)


@contextmanager
def restricted_to_section(code: str) -> Iterator[None]:
    """Restrict reads and writes inside the block to the section. Needs the staff application's context."""
    token = _section.set(code)
    try:
        yield
    finally:
        _section.reset(token)


def start_restriction(session: Session, code: str) -> None:
    """Restrict reads and writes to the section until `end_restriction` is called."""
    _section.set(code)
    if session.in_transaction():
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            _set_section(connection)


def end_restriction() -> None:
    """Clear the section at the end of a request, because the thread serves another user next."""
    _section.set(None)


def _set_section(connection: Connection) -> None:
    code = _section.get()
    if code is not None:
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (SETTING, code))
