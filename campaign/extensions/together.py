"""Several writes as one statement, so that they cost one round trip: writing `WITH` queries, which only PostgreSQL has.

All parts see the database as it was before the statement; none sees what another writes ("Data-Modifying Statements in
WITH"). SQLite is no journey away, and takes one after the other, each put together before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Select, Update, bindparam, cast, literal, select, union_all

from campaign.extensions.compiled import Compiled

# An insert of one row or several; or an update, whose parameters have names that no other part uses.
Write = tuple[Insert | Update, Mapping[str, Any] | list[dict[str, Any]]]

# Those that were asked for once, by their parts and the shape of the rows; the parts are constants of their modules.
_known: dict[tuple[tuple[Insert | Update, tuple[str, ...], int], ...], Select[int]] = {}
_known_alone: dict[tuple[Insert | Update, tuple[str, ...]], Compiled] = {}


def write_all(connection: Connection, writes: Sequence[Write]) -> None:
    """Runs all of them; the parts of one call write to different tables, and no part needs what another wrote."""
    if connection.dialect.name == "sqlite":
        for statement, values in writes:
            for row in values if isinstance(values, list) else [values]:
                _alone(statement, tuple(row)).run(connection, row)
        return
    parts = tuple((statement, *_shape(values)) for statement, values in writes)
    whole = _known.get(parts)
    if whole is None:
        whole = _known[parts] = _together([(number, *write) for number, write in enumerate(writes)])
    given: dict[str, Any] = {}
    for number, (statement, values) in enumerate(writes):
        given |= _named(number, statement, values)
    connection.execute(whole, given)


def _alone(statement: Insert | Update, columns: tuple[str, ...]) -> Compiled:
    found = _known_alone.get((statement, columns))
    if found is None:
        found = _known_alone[statement, columns] = Compiled(statement, columns)
    return found


def _shape(values: Mapping[str, Any] | list[dict[str, Any]]) -> tuple[tuple[str, ...], int]:
    """The columns, and the number of rows; 0 for a single one."""
    return (tuple(values[0]), len(values)) if isinstance(values, list) else (tuple(values), 0)


def _together(parts: Sequence[tuple[int, Insert | Update, Any]]) -> Select[int]:
    whole = select(literal(1))
    # PostgreSQL runs those that nobody reads from the last to the first; who locks in one order must keep to it.
    for number, statement, values in reversed(parts):
        part = statement
        if isinstance(statement, Insert):
            part = _inserting(number, statement, values)
        whole = whole.add_cte(part.cte(f"part{number}"))
    return whole


def _inserting(number: int, statement: Insert, values: Mapping[str, Any] | list[dict[str, Any]]) -> Insert:
    columns = statement.table.c
    if not isinstance(values, list):
        return statement.values({key: bindparam(f"p{number}_{key}", type_=columns[key].type) for key in values})
    # Not `VALUES` of several rows, which SQLAlchemy would put together anew each time: 8 ms of a confirmation.
    names = list(values[0])
    rows = [
        select(*(cast(bindparam(f"p{number}_{place}_{name}"), columns[name].type) for name in names))
        for place in range(len(values))
    ]
    return statement.from_select(names, union_all(*rows))


def _named(number: int, statement: Insert | Update, values: Mapping[str, Any] | list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(values, list):
        return {f"p{number}_{place}_{key}": one for place, row in enumerate(values) for key, one in row.items()}
    # An update names its parameters itself.
    own = "" if isinstance(statement, Update) else f"p{number}_"
    return {f"{own}{key}": value for key, value in values.items()}
