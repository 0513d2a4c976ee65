"""Waiting for PostgreSQL ends, whatever the server does, and leaves no connection behind that is of no use."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from campaign.models import ClockOffset
from campaign.platform import db
from campaign.platform.database import time_limit
from campaign.platform.database.errors import diagnose
from campaign.platform.database.transaction import transaction

# SQLite waits for nobody but another writer, and has a limit of its own for that.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


def asked(statement: str) -> object:
    found = db.session.execute(text(statement)).scalar_one()
    db.session.rollback()
    return found


def test_a_statement_ends_with_the_limit_and_so_it_does_on_the_server(app: Flask) -> None:
    began = time.monotonic()
    with time_limit.limit_waits(0.5), pytest.raises(OperationalError) as error:
        asked("SELECT pg_sleep(20)")
    assert time.monotonic() - began < 3
    assert diagnose(error.value).is_transient
    assert diagnose(error.value).code == "57014"
    db.session.rollback()
    assert asked("SELECT 1") == 1
    still = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    assert asked(still) == 0


def test_the_limit_is_that_of_all_statements_together(app: Flask) -> None:
    began = time.monotonic()
    with time_limit.limit_waits(1.0):
        asked("SELECT pg_sleep(0.6)")
        with pytest.raises(OperationalError):
            asked("SELECT pg_sleep(0.6)")
    assert 0.9 < time.monotonic() - began < 3
    db.session.rollback()


def test_a_shorter_limit_stays_and_ends_with_its_block(app: Flask) -> None:
    assert time_limit.remaining_seconds() is None
    with time_limit.limit_waits(1.0):
        with time_limit.limit_waits(60.0):
            assert (time_limit.remaining_seconds() or 60) <= 1.0
        assert (time_limit.remaining_seconds() or 60) <= 1.0
    assert time_limit.remaining_seconds() is None


def test_a_server_that_takes_no_writes_any_more_is_left(app: Flask) -> None:
    """As a primary that became a standby under a proxy that kept the line."""
    db.session.remove()
    db.engine.dispose()  # so that the next transaction gets this very connection
    with db.engine.begin() as connection:
        connection.execute(text("SET default_transaction_read_only = on"))
    with pytest.raises(DBAPIError) as error, transaction() as session:
        session.add(ClockOffset(id=1, seconds=0))
    assert diagnose(error.value).code == "25006"
    assert diagnose(error.value).is_transient
    with transaction() as session:
        session.add(ClockOffset(id=1, seconds=0))
