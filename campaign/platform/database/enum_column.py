"""The CHECK constraint of a text column that stores the values of an enum, and changing it in a migration."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from alembic import op
from sqlalchemy import CheckConstraint, text

_REPLACE_CONSTRAINT = text(
    "UPDATE sqlite_master SET sql = replace(sql, :old, :new)"
    " WHERE type = 'table' AND name = :name AND instr(sql, :old) > 0"
)


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Return a constraint that allows only the enum's values in `column`."""
    return CheckConstraint(_condition(column, (choice.value for choice in choices)), name=column)


def change_choices(tables: Iterable[str], column: str, before: str, after: str) -> None:
    """Replace the values that `column` of the tables may hold. For migrations.

    Args:
        tables: The names of the tables.
        column: The name of the column in each of them.
        before: The values that the constraint allows now, separated by spaces.
        after: The values that it allows from now on, separated by spaces.

    Raises:
        RuntimeError: On SQLite, the constraint of a table does not allow exactly `before`.
        IntegrityError: On PostgreSQL, a row holds a value that is not in `after`.
    """
    old, new = _condition(column, before.split()), _condition(column, after.split())
    for table in tables:
        if op.get_bind().dialect.name == "postgresql":
            name = op.f(f"ck_{table}_{column}")
            op.drop_constraint(name, table, type_="check")
            op.create_check_constraint(name, table, new)
        else:
            _change_on_sqlite(table, old, new)


def _change_on_sqlite(table: str, old: str, new: str) -> None:
    """Replace the constraint's text in the schema, which SQLite's manual allows if no stored row changes.

    SQLite has no statement for it. The other way is to copy the whole table, which may be large and to which foreign
    keys refer (sqlite.org/lang_altertable.html, 7).
    """
    connection = op.get_bind()
    version = int(connection.execute(text("PRAGMA schema_version")).scalar_one())
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(_REPLACE_CONSTRAINT, {"old": old, "new": new, "name": table}).rowcount
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = RESET")
    if changed != 1:
        raise RuntimeError(f"the constraint of {table} is not {old}")


def _condition(column: str, choices: Iterable[str]) -> str:
    values = ", ".join(f"'{choice}'" for choice in choices)
    return f"{column} IN ({values})"
