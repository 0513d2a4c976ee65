"""A second factor that an attacker with SQL copies to another account: it opens nothing, and staff are alerted."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from campaign.domain.staff.roles import Role
from campaign.models import AbuseAlert
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from tests.staff.staff_clients import PASSWORD, code_for, csrf, join_staff, log_in, make_recovery_codes

# Only in the whole gate, because it starts PostgreSQL and hashes passwords.
pytestmark = pytest.mark.slow

EVIL, CLEO = "evil@staff.example", "cleo@staff.example"


@pytest.fixture
def recovery_codes(app: Flask) -> list[str]:
    """Return the recovery codes of an editor; a coordinator has some, too."""
    join_staff(app, EVIL, Role.EDITOR)
    join_staff(app, CLEO, Role.COORDINATOR)
    make_recovery_codes(log_in(app, CLEO))
    return make_recovery_codes(log_in(app, EVIL))


def copy_to_coordinator(*columns: str) -> None:
    """Copy the editor's values, and the password, into the coordinator's row, as the attacker does."""
    with transaction() as session:
        for column in ("password", *columns):
            of_evil = f"(SELECT {column} FROM staff WHERE email = :evil)"  # noqa: S608
            session.execute(
                text(f"UPDATE staff SET {column} = {of_evil} WHERE email = :cleo"),  # noqa: S608
                {"evil": EVIL, "cleo": CLEO},
            )


def give_password(browser: FlaskClient) -> TestResponse:
    """Log in to the coordinator's account with the editor's password."""
    token = csrf(browser.get("/staff/login"))
    return browser.post("/staff/login", data={"email": CLEO, "password": PASSWORD, "csrf_token": token})


def sent_alerts() -> list[str]:
    """Return the alerts that staff were sent."""
    db.session.rollback()
    return list(db.session.scalars(select(AbuseAlert.kind)))


def test_a_copied_authenticator_opens_no_other_account(app: Flask, recovery_codes: list[str]) -> None:
    copy_to_coordinator("tf_totp_sealed")
    browser = app.test_client()
    assert give_password(browser).status_code == 410
    token = csrf(browser.get("/staff/login"))
    answer = browser.post("/staff/tf-validate", data={"code": code_for(app, EVIL), "csrf_token": token})
    assert "/login" in answer.location
    assert "/login" in browser.get("/staff/account").location
    assert sent_alerts() == ["sealed"]
    assert log_in(app, EVIL).get("/staff/account").status_code == 200


def test_copied_recovery_codes_open_no_other_account(app: Flask, recovery_codes: list[str]) -> None:
    copy_to_coordinator("mf_recovery_sealed")
    browser = app.test_client()
    assert "/tf-validate" in give_password(browser).location
    token = csrf(browser.get("/staff/mf-recovery"))
    answer = browser.post("/staff/mf-recovery", data={"code": recovery_codes[0], "csrf_token": token})
    assert answer.status_code == 410
    assert "/login" in browser.get("/staff/account").location
    assert sent_alerts() == ["sealed"]
