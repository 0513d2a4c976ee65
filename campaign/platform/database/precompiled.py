"""Statements compiled once for SQLite: it has one writer at a time, and compiling would make the other writers wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Insert, Update
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect(paramstyle="qmark")


class Precompiled:
    """An insert or update as SQL text, with the conversion of each parameter for the driver.

    The statement is a constant of a module, and each parameter is a single value: the SQL text would depend on the
    length of a list.
    """

    def __init__(self, statement: Insert | Update, columns: Iterable[str] | None = None) -> None:
        """Compile the statement; `columns` are the columns of an insert without values of its own."""
        compiled = statement.compile(dialect=_DIALECT, column_keys=list(columns) if columns else None)
        self._sql, defaults = str(compiled), compiled.params
        self._parameters = [
            (name, defaults[name], compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name in compiled.positiontup or ()
        ]
        self._required = frozenset(name for name, _, _ in self._parameters if compiled.binds[name].required)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute the statement and return its result.

        `values` are given by parameter name. Names that the statement does not use are ignored. A missing value is
        replaced by the statement's default; raise KeyError if there is no default.
        """
        if not self._required <= values.keys():
            raise KeyError(f"no value for {sorted(self._required - values.keys())}")
        parameters = [
            process(values.get(name, default)) if process else values.get(name, default)
            for name, default, process in self._parameters
        ]
        return connection.exec_driver_sql(self._sql, tuple(parameters))
