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
def staff_app(app: Flask, client: FlaskClient, appeal: AppealView) -> Flask:
    """Sign in France, in Flanders and in the rest of the world; return the staff application."""
    for number, country in enumerate(("FR", "FR", "BE", "JP")):
        answer = client.post(
            f"/en/appeals/{appeal.slug}/sign", data=form(email=f"p{number}@mail.example", country=country)
        )
        assert answer.status_code == 303
        confirm_newest(START)
    staff: Flask = app.extensions["tocsin_staff"]
    return staff


def visible_rows() -> tuple[int, ...]:
    """Return the numbers of signatures, consents and mails to signers that are visible to the connection."""
    return tuple(
        db.session.execute(select(func.count()).select_from(model)).scalar_one() for model in (Signature, Consent, Mail)
    )


def test_supporters_pages_and_workers_see_everything(staff_app: Flask) -> None:
    # Each signer got two mails: the confirmation and the thank-you mail.
    assert visible_rows() == (4, 4, 8)


def test_staff_see_their_section_only(staff_app: Flask) -> None:
    with staff_app.app_context():
        with wall.restricted_to_section("fr"):
            assert visible_rows() == (2, 2, 2)
            db.session.rollback()
        with wall.restricted_to_section("international"):
            assert visible_rows() == (1, 1, 1)
            db.session.rollback()


def test_staff_connections_that_name_no_section_see_nothing(staff_app: Flask) -> None:
    with staff_app.app_context():
        assert visible_rows() == (0, 0, 0)
        with wall.restricted_to_section("fr"):
            assert visible_rows() == (0, 0, 0), "the transaction began without a section"
            db.session.rollback()
            assert visible_rows() == (2, 2, 2)
            db.session.rollback()
        assert visible_rows() == (0, 0, 0)


def test_staff_cannot_change_or_add_rows_of_another_section(staff_app: Flask) -> None:
    with staff_app.app_context(), wall.restricted_to_section("fr"):
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


def test_signing_uses_the_index_on_the_address(staff_app: Flask) -> None:
    """Check that the policies do not prevent the planner from using the index on the address."""
    with db.engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = connection.execute(
            text("EXPLAIN SELECT id FROM signature WHERE appeal_id = 1 AND address_digest = '\\x00'")
        ).scalars()
        assert any("Index" in line for line in plan)


def test_the_ordinary_owner_can_dump_and_restore(staff_app: Flask, postgresql_server: str, tmp_path: Path) -> None:
    """Dump with the documented flag as the owner, who names no section and so sees every row."""
    source = str(db.engine.url.render_as_string(hide_password=False)).replace("+psycopg", "")
    copy = make_database(postgresql_server, f"{db.engine.url.database}_copy")
    file = tmp_path / "dump"
    for command in (
        ["pg_dump", "--enable-row-security", "--no-owner", "--no-privileges", "-Fc", "-f", str(file), source],
        ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "-d", copy, str(file)],
    ):
        result = subprocess.run(
            [str(programs() / command[0]), *command[1:]], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM signature").fetchone() == (4,)
        connection.execute("SELECT set_config('tocsin.section', 'fr', true)")
        assert connection.execute("SELECT count(*) FROM signature").fetchone() == (2,)


def test_the_tests_run_as_an_ordinary_role(staff_app: Flask) -> None:
    """Check the role, because policies do not apply to a superuser."""
    role = text(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = current_user"
    )
    for app in (staff_app, staff_app.extensions["tocsin_public"]):
        with app.app_context():
            assert db.session.scalar(role) is False
            db.session.rollback()
