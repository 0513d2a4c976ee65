"""The column type of a state or another fixed choice: text, limited to the values of an enum by a CHECK constraint."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from alembic import op
from sqlalchemy import CheckConstraint, text

_CHANGE = text(
    "UPDATE sqlite_master SET sql = replace(sql, :old, :new)"
    " WHERE type = 'table' AND name = :name AND instr(sql, :old) > 0"
)


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Return a constraint that allows only the enum's values in `column`."""
    return CheckConstraint(_rule(column, (choice.value for choice in choices)), name=column)


def change_choices(tables: Iterable[str], column: str, before: str, after: str) -> None:
    """Let `column` of those tables hold the values of `after`, words with a space between, instead of `before`.

    For migrations. Raises RuntimeError on SQLite where a table's constraint is not `before`, and IntegrityError on
    PostgreSQL where a row holds a value that is not in `after`.
    """
    old, new = _rule(column, before.split()), _rule(column, after.split())
    for table in tables:
        if op.get_bind().dialect.name == "postgresql":
            name = op.f(f"ck_{table}_{column}")
            op.drop_constraint(name, table, type_="check")
            op.create_check_constraint(name, table, new)
        else:
            _change_on_sqlite(table, old, new)


def _change_on_sqlite(table: str, old: str, new: str) -> None:
    """Write the constraint itself, which SQLite's manual allows where no stored row changes.

    It has no statement for it but copying the whole table, which others point at and which may be large
    (sqlite.org/lang_altertable.html, 7).
    """
    connection = op.get_bind()
    version = int(connection.execute(text("PRAGMA schema_version")).scalar_one())
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(_CHANGE, {"old": old, "new": new, "name": table}).rowcount
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = RESET")
    if changed != 1:
        raise RuntimeError(f"the constraint of {table} is not {old}")


def _rule(column: str, choices: Iterable[str]) -> str:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    return f"{column} IN ({listed})"
