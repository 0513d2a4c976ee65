"""Inserts that do nothing if the row exists already, so that exactly one of several concurrent inserts succeeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import postgresql, sqlite

from campaign.platform.database.base_model import Model

_DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


def insert_or_ignore(connection: Connection, model: type[Model], values: Mapping[str, Any]) -> bool:
    """Insert the row unless it would violate a unique constraint; return whether it was inserted."""
    statement = _statement(connection.dialect.name, model)
    return connection.execute(statement.returning(*model.__table__.primary_key), values).first() is not None


def insert_all_or_ignore(connection: Connection, model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that do not violate a unique constraint."""
    connection.execute(_statement(connection.dialect.name, model), rows)


@cache
def _statement(dialect: str, model: type[Model]) -> Insert:
    statement: Insert = _DIALECTS[dialect].insert(model).on_conflict_do_nothing()
    return statement
