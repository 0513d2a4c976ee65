"""Several writes combined into one statement, so that they need one round trip.

PostgreSQL runs them as data-modifying `WITH` queries: every part sees the database as it was before the statement, and
no part sees the changes of another one (manual, 7.8.4). SQLite has no such queries and needs no round trip: there the
writes run one after the other, each compiled once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Select, Update, bindparam, cast, literal, select, union_all

from campaign.platform.database.precompiled import Precompiled

# An insert of one row or several, or an update whose parameters have names that no other part uses.
Write = tuple[Insert | Update, Mapping[str, Any] | list[dict[str, Any]]]

# Caches of built statements, by their parts and the shape of the rows. They do not grow without limit, because the
# parts are constants of modules.
_combined_cache: dict[tuple[tuple[Insert | Update, tuple[str, ...], int], ...], Select[int]] = {}
_precompiled_cache: dict[tuple[Insert | Update, tuple[str, ...]], Precompiled] = {}


def execute_combined(connection: Connection, writes: Sequence[Write]) -> None:
    """Run all writes. They must be to different tables, and none may depend on the changes of another one."""
    if connection.dialect.name == "sqlite":
        for statement, values in writes:
            for row in values if isinstance(values, list) else [values]:
                _precompile(statement, tuple(row)).run(connection, row)
        return
    parts = tuple((statement, *_shape(values)) for statement, values in writes)
    combined = _combined_cache.get(parts)
    if combined is None:
        combined = _combined_cache[parts] = _combine([(number, *write) for number, write in enumerate(writes)])
    parameters: dict[str, Any] = {}
    for number, (statement, values) in enumerate(writes):
        parameters |= _parameters(number, statement, values)
    connection.execute(combined, parameters)


def _precompile(statement: Insert | Update, columns: tuple[str, ...]) -> Precompiled:
    precompiled = _precompiled_cache.get((statement, columns))
    if precompiled is None:
        precompiled = _precompiled_cache[statement, columns] = Precompiled(statement, columns)
    return precompiled


def _shape(values: Mapping[str, Any] | list[dict[str, Any]]) -> tuple[tuple[str, ...], int]:
    """Return the columns and the number of rows; 0 means a single row that is not in a list."""
    return (tuple(values[0]), len(values)) if isinstance(values, list) else (tuple(values), 0)


def _combine(parts: Sequence[tuple[int, Insert | Update, Any]]) -> Select[int]:
    """Return one statement that runs all parts, with parameters named by the number of the part."""
    combined = select(literal(1))
    # PostgreSQL runs the parts from the last to the first if no part reads another one. They are added in reverse, so
    # that rows are locked in the order of the caller's writes.
    for number, statement, values in reversed(parts):
        part = statement
        if isinstance(statement, Insert):
            part = _parametrised_insert(number, statement, values)
        combined = combined.add_cte(part.cte(f"part{number}"))
    return combined


def _parametrised_insert(number: int, statement: Insert, values: Mapping[str, Any] | list[dict[str, Any]]) -> Insert:
    """Return the insert with a parameter for each value, named as `_parameters` names it."""
    columns = statement.table.c
    if not isinstance(values, list):
        return statement.values({key: bindparam(f"p{number}_{key}", type_=columns[key].type) for key in values})
    # SQLAlchemy would compile a multi-row `VALUES` anew each time, which takes 8 ms of a confirmation.
    names = list(values[0])
    rows = [
        select(*(cast(bindparam(f"p{number}_{index}_{name}"), columns[name].type) for name in names))
        for index in range(len(values))
    ]
    return statement.from_select(names, union_all(*rows))


def _parameters(
    number: int, statement: Insert | Update, values: Mapping[str, Any] | list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the values of one part by the names of its parameters in the combined statement."""
    if isinstance(values, list):
        return {f"p{number}_{index}_{key}": value for index, row in enumerate(values) for key, value in row.items()}
    # The parameters of an update have names already.
    prefix = "" if isinstance(statement, Update) else f"p{number}_"
    return {f"{prefix}{key}": value for key, value in values.items()}
