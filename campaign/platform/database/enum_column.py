"""How a state or another fixed choice is stored: as text, held to the enum's values by a CHECK constraint."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """A constraint that lets `column` hold the enum's values only."""
    values = ", ".join(f"'{choice.value}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({values})", name=column)
