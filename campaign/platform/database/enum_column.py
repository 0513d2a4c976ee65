"""Columns for a state or another fixed choice: text, restricted to the enum's values by a CHECK constraint."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Return a constraint that allows only the enum's values in `column`."""
    values = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({values})", name=column)
