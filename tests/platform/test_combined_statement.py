"""Writes as one statement: all are executed, and lock in the given order."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert, select, text, update

from campaign.platform import db
from campaign.platform.database.combined_statement import Write, execute_combined

_METADATA = MetaData()
TABLES = [Table(name, _METADATA, Column("id", Integer), Column("turn", Integer)) for name in ("one", "two", "three")]
ADD = [insert(table) for table in TABLES]
CHANGE = update(TABLES[2]).where(TABLES[2].c.id == bindparam("which")).values(turn=bindparam("turn_now"))


@pytest.fixture
def temporary_tables(app: Flask) -> None:
    kind = db.engine.dialect.name
    turn = "nextval('turn')" if kind == "postgresql" else "0"
    if kind == "postgresql":
        db.session.execute(text("CREATE TEMPORARY SEQUENCE turn"))
    for table in TABLES:
        default = f"DEFAULT ({turn})"
        db.session.execute(text(f"CREATE TEMPORARY TABLE {table.name} (id INTEGER, turn INTEGER {default})"))


def ids(place: int) -> list[int]:
    return list(db.session.scalars(select(TABLES[place].c.id).order_by(TABLES[place].c.id)))


def test_inserts_of_one_or_several_rows_and_updates_are_executed(temporary_tables: None) -> None:
    connection = db.session.connection()
    connection.execute(ADD[2], [{"id": 5}, {"id": 6}])
    for number in (1, 3):  # the second time, the statement is cached
        writes: list[Write] = [
            (ADD[0], {"id": number}),
            (CHANGE, {"which": 5, "turn_now": 70 + number}),
            (ADD[1], [{"id": number}, {"id": number + 1}]),
        ]
        execute_combined(connection, writes)
    execute_combined(connection, [(ADD[1], [{"id": 9}])])
    execute_combined(connection, [(ADD[0], [{"id": 7, "turn": 1}, {"turn": 2, "id": 8}])])  # columns in any order
    assert (ids(0), ids(1)) == ([1, 3, 7, 8], [1, 2, 3, 4, 9])
    assert db.session.scalars(select(TABLES[2].c.turn).where(TABLES[2].c.id == 5)).one() == 73


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_writes_are_executed_in_the_given_order(temporary_tables: None, order: tuple[int, ...]) -> None:
    execute_combined(db.session.connection(), [(ADD[place], {"id": 1}) for place in order])
    turns = [db.session.scalars(select(TABLES[place].c.turn)).one() for place in order]
    assert turns == sorted(turns)
