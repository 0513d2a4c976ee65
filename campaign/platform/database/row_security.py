"""The second wall between sections, under the queries' own filter: PostgreSQL's row-level security.

Every transaction of the staff application names its section to the database, which then shows no other section's
signatures, consents and mails. Connections of the staff application that name none see none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

SETTING = "tocsin.section"
# What a connection starts with: the code of no section.
NOBODY = "none"
_section: ContextVar[str | None] = ContextVar("tocsin_section", default=None)


def build(engine: Engine) -> None:
    """Names the section at the beginning of each transaction of that engine. SQLite has no such wall."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _name)


@contextmanager
def section(code: str) -> Iterator[None]:
    """What is read and written inside concerns that section only; needs the staff application's context."""
    token = _section.set(code)
    try:
        yield
    finally:
        _section.reset(token)


def enter(session: Session, code: str) -> None:
    """From now on this request sees that section; `leave` ends it."""
    _section.set(code)
    if session.in_transaction():
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            _name(connection)


def leave() -> None:
    """The request is over: its thread serves somebody else next."""
    _section.set(None)


def _name(connection: Connection) -> None:
    code = _section.get()
    if code is not None:
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (SETTING, code))
