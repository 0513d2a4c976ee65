"""The condition that a column is one of a list of ids, in SQL that is the same for any number of ids.

It is compiled and planned once.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, String, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Ids(TypeDecorator[list[int]]):
    """A list of ids as one parameter: an array on PostgreSQL, JSON on SQLite, which has no arrays."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the parameter in this database."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(BigInteger))

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> Any:
        """Return the list as this database takes it."""
        return json.dumps(value) if dialect.name == "sqlite" else value


class _AnyOfIds(FunctionElement[bool]):
    inherit_cache = True


def any_of_ids(
    column: ColumnElement[int] | InstrumentedAttribute[int] | InstrumentedAttribute[int | None], name: str
) -> ColumnElement[bool]:
    """Return the condition that the column is one of a list of ids.

    Args:
        column: The column that holds an id.
        name: The name of the parameter under which the list is passed when the statement is executed.
    """
    return _AnyOfIds(column, bindparam(name, type_=_Ids()))


@compiles(_AnyOfIds)
def _in_array(element: _AnyOfIds, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(ids, **kw)})"


@compiles(_AnyOfIds, "sqlite")
def _in_json(element: _AnyOfIds, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = element.clauses
    return compiler.process(column.in_(select(func.json_each(ids).table_valued("value").c.value)), **kw)
