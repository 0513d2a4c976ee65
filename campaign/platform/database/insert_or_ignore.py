"""Inserts that leave a row alone which is there already, so that of many that try one wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import postgresql, sqlite

from campaign.platform.database.base_model import Model

_MODULES = {"sqlite": sqlite, "postgresql": postgresql}


def insert_or_ignore(connection: Connection, model: type[Model], values: Mapping[str, Any]) -> bool:
    """Insert the row unless a unique one is there already; return whether it was inserted."""
    statement = _statement(connection.dialect.name, model)
    return connection.execute(statement.returning(*model.__table__.primary_key), values).first() is not None


def insert_all_or_ignore(connection: Connection, model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of the rows of which no unique one is there already."""
    connection.execute(_statement(connection.dialect.name, model), rows)


@cache
def _statement(dialect: str, model: type[Model]) -> Insert:
    statement: Insert = _MODULES[dialect].insert(model).on_conflict_do_nothing()
    return statement
