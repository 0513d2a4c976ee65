"""Several writes combined into one statement, so that they cost one round trip.

PostgreSQL runs them as data-modifying `WITH` queries: all parts see the database as it was before the statement, and
none sees what another writes (manual, 7.8.4). SQLite has no such queries and no network in between: there the writes
run one after the other, each compiled once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Select, Update, bindparam, cast, literal, select, union_all

from campaign.platform.database.precompiled import Precompiled

# An insert of one row or several, or an update whose parameters have names that no other part uses.
Write = tuple[Insert | Update, Mapping[str, Any] | list[dict[str, Any]]]

# Statements built before, by their parts and the shape of the rows. The parts are constants of modules, so this ends.
_combined: dict[tuple[tuple[Insert | Update, tuple[str, ...], int], ...], Select[int]] = {}
_precompiled: dict[tuple[Insert | Update, tuple[str, ...]], Precompiled] = {}


def execute_combined(connection: Connection, writes: Sequence[Write]) -> None:
    """Run all writes. They must go to different tables, and none may depend on what another wrote."""
    if connection.dialect.name == "sqlite":
        for statement, values in writes:
            for row in values if isinstance(values, list) else [values]:
                _precompile(statement, tuple(row)).run(connection, row)
        return
    parts = tuple((statement, *_shape(values)) for statement, values in writes)
    combined = _combined.get(parts)
    if combined is None:
        combined = _combined[parts] = _combine([(number, *write) for number, write in enumerate(writes)])
    parameters: dict[str, Any] = {}
    for number, (statement, values) in enumerate(writes):
        parameters |= _parameters(number, statement, values)
    connection.execute(combined, parameters)


def _precompile(statement: Insert | Update, columns: tuple[str, ...]) -> Precompiled:
    precompiled = _precompiled.get((statement, columns))
    if precompiled is None:
        precompiled = _precompiled[statement, columns] = Precompiled(statement, columns)
    return precompiled


def _shape(values: Mapping[str, Any] | list[dict[str, Any]]) -> tuple[tuple[str, ...], int]:
    """Return the columns and the number of rows; 0 means a single row that is not in a list."""
    return (tuple(values[0]), len(values)) if isinstance(values, list) else (tuple(values), 0)


def _combine(parts: Sequence[tuple[int, Insert | Update, Any]]) -> Select[int]:
    combined = select(literal(1))
    # PostgreSQL runs parts that no other part reads from the last to the first. Callers order their writes to lock rows
    # in one order, so the parts are added in reverse.
    for number, statement, values in reversed(parts):
        part = statement
        if isinstance(statement, Insert):
            part = _parametrised_insert(number, statement, values)
        combined = combined.add_cte(part.cte(f"part{number}"))
    return combined


def _parametrised_insert(number: int, statement: Insert, values: Mapping[str, Any] | list[dict[str, Any]]) -> Insert:
    columns = statement.table.c
    if not isinstance(values, list):
        return statement.values({key: bindparam(f"p{number}_{key}", type_=columns[key].type) for key in values})
    # Not `VALUES` of several rows, which SQLAlchemy would compile anew each time: 8 ms of a confirmation.
    names = list(values[0])
    rows = [
        select(*(cast(bindparam(f"p{number}_{place}_{name}"), columns[name].type) for name in names))
        for place in range(len(values))
    ]
    return statement.from_select(names, union_all(*rows))


def _parameters(
    number: int, statement: Insert | Update, values: Mapping[str, Any] | list[dict[str, Any]]
) -> dict[str, Any]:
    if isinstance(values, list):
        return {f"p{number}_{index}_{key}": value for index, row in enumerate(values) for key, value in row.items()}
    # An update names its parameters itself.
    prefix = "" if isinstance(statement, Update) else f"p{number}_"
    return {f"{prefix}{key}": value for key, value in values.items()}
