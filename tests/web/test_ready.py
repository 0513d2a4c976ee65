"""`/readyz` and the schema: the application runs with a newer schema, and reports every other mismatch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from campaign.platform import db
from campaign.platform.database import schema


@pytest.fixture
def revision(app: Flask) -> Iterator[str]:
    """Yield a function that sets the database's migration; restore it afterwards."""
    with db.engine.begin() as connection:
        found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    yield found
    set_revision(found)


def set_revision(revision: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_old_processes_serve_with_a_newer_schema(client: FlaskClient, revision: str) -> None:
    set_revision(f"{int(revision) + 7:04}")
    assert client.get("/readyz").status_code == 200


def test_an_unknown_schema_is_reported_with_the_remedy(client: FlaskClient, revision: str) -> None:
    set_revision("0000")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert f"the database is at migration 0000, wanted is {revision}: run flask db upgrade" in answer.text


def test_an_older_schema_is_reported_with_the_remedy(
    client: FlaskClient, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = f"{int(revision) + 1:04}"
    monkeypatch.setattr(schema, "_known_revisions", lambda _directory: (frozenset({revision, newer}), newer))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert f"the database is at migration {revision}, wanted is {newer}: run flask db upgrade" in answer.text


def test_a_server_that_is_too_old_is_named(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST_POSTGRESQL", 99)
    answer = client.get("/readyz")
    if db.engine.dialect.name == "postgresql":
        assert answer.status_code == 503
        assert "is too old: Tocsin needs 99 or later" in answer.text
    else:
        assert answer.status_code == 200
