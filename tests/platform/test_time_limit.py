"""Waiting for PostgreSQL has a limit, and leaves no unusable connection in the pool."""

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

# SQLite waits only for another writer, with its own limit.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


def query_value(statement: str) -> object:
    found = db.session.execute(text(statement)).scalar_one()
    db.session.rollback()
    return found


def test_a_statement_ends_at_the_limit_also_on_the_server(app: Flask) -> None:
    began = time.monotonic()
    with time_limit.limit_waits(0.5), pytest.raises(OperationalError) as error:
        query_value("SELECT pg_sleep(20)")
    assert time.monotonic() - began < 3
    assert diagnose(error.value).is_transient
    assert diagnose(error.value).code == "57014"
    db.session.rollback()
    assert query_value("SELECT 1") == 1
    still = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    assert query_value(still) == 0


def test_all_statements_share_the_limit(app: Flask) -> None:
    began = time.monotonic()
    with time_limit.limit_waits(1.0):
        query_value("SELECT pg_sleep(0.6)")
        with pytest.raises(OperationalError):
            query_value("SELECT pg_sleep(0.6)")
    assert 0.9 < time.monotonic() - began < 3
    db.session.rollback()


def test_a_shorter_limit_applies_until_its_block_ends(app: Flask) -> None:
    assert time_limit.remaining_seconds() is None
    with time_limit.limit_waits(1.0):
        with time_limit.limit_waits(60.0):
            assert (time_limit.remaining_seconds() or 60) <= 1.0
        assert (time_limit.remaining_seconds() or 60) <= 1.0
    assert time_limit.remaining_seconds() is None


def test_a_connection_to_a_read_only_server_is_closed(app: Flask) -> None:
    """Simulate a primary that became a standby behind a proxy that kept the connection."""
    db.session.remove()
    db.engine.dispose()  # so that the next transaction gets this connection
    with db.engine.begin() as connection:
        connection.execute(text("SET default_transaction_read_only = on"))
    with pytest.raises(DBAPIError) as error, transaction() as session:
        session.add(ClockOffset(id=1, seconds=0))
    assert diagnose(error.value).code == "25006"
    assert diagnose(error.value).is_transient
    with transaction() as session:
        session.add(ClockOffset(id=1, seconds=0))
