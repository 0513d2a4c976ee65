"""Statements put together once for SQLite: it has one writer at a time, and all others wait for what that one does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Insert, Update
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect(paramstyle="qmark")


class Precompiled:
    """An insert or update as text, and how each of its values becomes what the driver takes.

    For constants of a module, and for statements whose parameters are single values: a list would be spelt out anew
    each time.
    """

    def __init__(self, statement: Insert | Update, columns: Iterable[str] | None = None) -> None:
        """`columns`: those of an insert that is given none itself."""
        compiled = statement.compile(dialect=_DIALECT, column_keys=list(columns) if columns else None)
        self._text, said = str(compiled), compiled.params
        self._places = [
            (name, said[name], compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name in compiled.positiontup or ()
        ]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """With values by name, of which there may be more; for those that are not given, what the statement says."""
        given = [
            process(values.get(name, said)) if process else values.get(name, said)
            for name, said, process in self._places
        ]
        return connection.exec_driver_sql(self._text, tuple(given))
