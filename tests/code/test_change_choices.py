"""A migration changes the allowed values of a fixed choice on both databases, and existing rows stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from campaign.domain.counting.channel import Channel
from campaign.platform import db
from campaign.platform.database.enum_column import change_choices
from campaign.queries.appeals.appeal import AppealView

CURRENT_VALUES = " ".join(Channel)
INSERT_ACTION = text(
    "INSERT INTO tally (appeal_id, section_code, channel, evidence, slot, quantity)"
    " VALUES (:appeal, 'fr', :channel, 'bulk', 0, 1)"
)


def change_values(before: str, after: str) -> None:
    with db.engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        change_choices(("tally",), "channel", before, after)


def insert_action(appeal: AppealView, channel: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(INSERT_ACTION, {"appeal": appeal.id, "channel": channel})


def test_a_value_is_allowed_and_forbidden_again(app: Flask, appeal: AppealView) -> None:
    insert_action(appeal, "letter")
    with pytest.raises(IntegrityError):
        insert_action(appeal, "courier")
    change_values(CURRENT_VALUES, f"{CURRENT_VALUES} courier")
    try:
        insert_action(appeal, "courier")
        with db.engine.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM tally")).scalar_one() == 2
            connection.execute(text("DELETE FROM tally WHERE channel = 'courier'"))
    finally:
        change_values(f"{CURRENT_VALUES} courier", CURRENT_VALUES)
    with pytest.raises(IntegrityError):
        insert_action(appeal, "courier")
    assert "ck_tally_channel" in {
        constraint["name"] for constraint in inspect(db.engine).get_check_constraints("tally")
    }


def test_on_sqlite_an_unexpected_constraint_is_refused(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/other.db")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        connection.execute(text("CREATE TABLE tally (channel TEXT CHECK (channel IN ('letter')))"))
        with pytest.raises(RuntimeError, match="the constraint of tally is not"):
            change_choices(("tally",), "channel", "letter fax", "letter fax courier")
    engine.dispose()
