"""A database that is away: 503 with Retry-After, and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, request_finished
from sqlalchemy import text

from campaign.factory import create_app
from campaign.platform import db
from tests.conftest import make_database, settings_for


def test_without_a_database_every_page_has_a_retry_after(tmp_path: Path) -> None:
    app = create_app(settings_for(f"postgresql://nobody@/nothing?host={tmp_path}", tmp_path))
    client = app.test_client()
    for path in ("/fr/", "/fr/appeals/x", "/api/v1/appeals"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
    assert client.post("/fr/appeals/x/sign").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_database_lost_after_the_answer_causes_no_error(postgresql_server: str, tmp_path: Path) -> None:
    """End the connection between a request's last statement and the end of its transaction."""
    app = create_app(settings_for(make_database(postgresql_server, "goes_away"), tmp_path))

    def end_its_connection(_app: Flask, **_given: Any) -> None:
        own = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(postgresql_server, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [own])

    client = app.test_client()
    with request_finished.connected_to(end_its_connection, app):
        assert client.get("/healthz").status_code == 200
    with app.app_context():
        assert db.session.execute(text("SELECT 1")).scalar_one() == 1
        db.session.remove()
        db.engine.dispose()
