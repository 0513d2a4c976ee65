"""The database statements that a block of code sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from campaign.platform import db


@contextmanager
def recorded_statements(engine: Engine | None = None) -> Iterator[list[str]]:
    """Yield a list that grows by each statement which the block sends to the database.

    `engine` is that of another application than the current one.
    """
    engine = engine or db.engine
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)
