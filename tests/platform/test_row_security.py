"""Row-level security: the second barrier between sections, on PostgreSQL, with an ordinary role."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from campaign.models import Consent, Mail, Signature
from campaign.platform import db
from campaign.platform.database import row_security as wall
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import START, confirm_newest, form, make_database
from tests.postgresql import programs

# SQLite has no row-level security: there the filter of the queries is the only barrier.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


@pytest.fixture
def signed(app: Flask, client: FlaskClient, appeal: AppealView) -> Flask:
    """Signed in France, in Flanders and in the rest of the world; gives the staff application."""
    for number, country in enumerate(("FR", "FR", "BE", "JP")):
        answer = client.post(
            f"/en/appeals/{appeal.slug}/sign", data=form(email=f"p{number}@mail.example", country=country)
        )
        assert answer.status_code == 303
        confirm_newest(START)
    staff: Flask = app.extensions["tocsin_staff"]
    return staff


def seen() -> tuple[int, ...]:
    """Return the numbers of signatures, consents and mails to signers that the current connection sees."""
    return tuple(
        db.session.execute(select(func.count()).select_from(model)).scalar_one() for model in (Signature, Consent, Mail)
    )


def test_supporters_pages_and_workers_see_everything(signed: Flask) -> None:
    # Each was mailed twice: to confirm, and thanks.
    assert seen() == (4, 4, 8)


def test_staff_see_their_section_only(signed: Flask) -> None:
    with signed.app_context():
        with wall.restricted_to_section("fr"):
            assert seen() == (2, 2, 2)
            db.session.rollback()
        with wall.restricted_to_section("international"):
            assert seen() == (1, 1, 1)
            db.session.rollback()


def test_staff_connections_that_name_no_section_see_nothing(signed: Flask) -> None:
    with signed.app_context():
        assert seen() == (0, 0, 0)
        with wall.restricted_to_section("fr"):
            assert seen() == (0, 0, 0), "the transaction began without a section"
            db.session.rollback()
            assert seen() == (2, 2, 2)
            db.session.rollback()
        assert seen() == (0, 0, 0)


def test_staff_cannot_change_or_add_for_another_section(signed: Flask) -> None:
    with signed.app_context(), wall.restricted_to_section("fr"):
        with transaction() as session:
            changed = session.execute(update(Signature).values(locale="x"))
            assert changed.rowcount == 2  # type: ignore[attr-defined]
        with pytest.raises(DBAPIError, match="row-level security"), transaction() as session:
            session.execute(update(Signature).values(section_code="be-nl"))
        first = db.session.scalars(select(Signature)).first()
        assert first is not None
        row = {column.name: getattr(first, column.name) for column in Signature.__table__.columns}
        row |= {"id": 999, "address_digest": None, "section_code": "be-nl"}
        db.session.rollback()
        with pytest.raises(DBAPIError, match="row-level security"), transaction() as session:
            session.execute(insert(Signature).values(row))


def test_signing_costs_no_scan(signed: Flask) -> None:
    """The policies must not keep the planner from the index on the address."""
    with db.engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = connection.execute(
            text("EXPLAIN SELECT id FROM signature WHERE appeal_id = 1 AND address_digest = '\\x00'")
        ).scalars()
        assert any("Index" in line for line in plan)


def test_the_ordinary_owner_can_dump_and_restore(signed: Flask, postgresql_server: str, tmp_path: Path) -> None:
    """With the flag that docs name: the owner names no section, so its dump holds every row."""
    source = str(db.engine.url.render_as_string(hide_password=False)).replace("+psycopg", "")
    copy = make_database(postgresql_server, f"{db.engine.url.database}_copy")
    file = tmp_path / "dump"
    for command in (
        ["pg_dump", "--enable-row-security", "--no-owner", "--no-privileges", "-Fc", "-f", str(file), source],
        ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "-d", copy, str(file)],
    ):
        done = subprocess.run([str(programs() / command[0]), *command[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM signature").fetchone() == (4,)
        connection.execute("SELECT set_config('tocsin.section', 'fr', true)")
        assert connection.execute("SELECT count(*) FROM signature").fetchone() == (2,)


def test_the_suite_works_as_an_ordinary_role(signed: Flask) -> None:
    """As a superuser, whom no policy concerns, no test here would mean anything."""
    role = text(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = current_user"
    )
    for app in (signed, signed.extensions["tocsin_public"]):
        with app.app_context():
            assert db.session.scalar(role) is False
            db.session.rollback()
