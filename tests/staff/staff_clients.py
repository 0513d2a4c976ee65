"""Staff for tests: accounts made by the services, and browsers that are logged in."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_security.utils import hash_password
from werkzeug.test import TestResponse

from campaign.domain.signing.token import Purpose
from campaign.domain.staff.roles import TWO_FACTOR_ROLES, Role
from campaign.models import Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.staff.accounts import Invitation, accept, invite
from tests.conftest import context

PASSWORD = "four words put together"


def path_of(link: str) -> str:
    """Return the path of an invitation link."""
    return link[link.index("/staff/") :]


def csrf(page: TestResponse) -> str:
    """Return the token of the page's first form."""
    match = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert match, page.text
    return match[1]


def join_staff(app: Flask, email: str, role: Role, section: str = "fr") -> int:
    """Make an account that has accepted its invitation; return its id."""
    app_runtime = runtime()
    link = invite(Invitation(email, section, role, "en"), context=context(app_runtime.clock()))
    opened = app_runtime.tokens.read(Purpose.INVITATION, link.rpartition("/")[2], app_runtime.clock())
    staff_id = opened.row_id
    accept(opened, _hashed_password(app), context=context(app_runtime.clock()))
    if role in TWO_FACTOR_ROLES:
        with transaction() as session:
            staff = session.get_one(Staff, staff_id)
            staff.tf_primary_method = "authenticator"
            staff.tf_totp_secret = _security(app).totp_factory.generate_totp_secret()
    db.session.rollback()
    return staff_id


def code_for(app: Flask, email: str) -> str:
    """Return the current code of the account's authenticator, or the next one if that was used."""
    with app.extensions["tocsin_staff"].app_context():
        staff = db.session.query(Staff).filter_by(email=email).one()
        totp = _security(app).totp_factory._totp.from_source(staff.tf_totp_secret)
        # The next code is also accepted.
        first = (staff.tf_last_counter or 0) + 1
        db.session.rollback()
    return str(totp.generate(max(int(totp.now()), first * totp.period)).token)


def log_in(app: Flask, email: str, client: FlaskClient | None = None) -> FlaskClient:
    """Return a browser that is logged in."""
    client = client or app.test_client()
    token = csrf(client.get("/staff/login"))
    answer = client.post("/staff/login", data={"email": email, "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 302, answer.text
    if "tf-validate" in answer.location:
        token = csrf(client.get(answer.location))
        answer = client.post("/staff/tf-validate", data={"code": code_for(app, email), "csrf_token": token})
        assert answer.status_code == 302, answer.text
    return client


def log_in_later(app: Flask, email: str, client: FlaskClient | None = None) -> FlaskClient:
    """Log in half a minute or more later, when the authenticator shows another code."""
    with transaction() as session:
        session.query(Staff).filter_by(email=email).one().tf_last_counter = None
    return log_in(app, email, client)


def staff_client(app: Flask, role: Role, section: str = "fr") -> FlaskClient:
    """Return the browser of a new account with that role there."""
    email = f"{role}.{section}@staff.example"
    join_staff(app, email, role, section)
    return log_in(app, email)


def _security(app: Flask) -> Any:
    return app.extensions["tocsin_staff"].extensions["security"]


@cache
def _hashed_password(app: Flask) -> str:
    with app.extensions["tocsin_staff"].app_context():
        return str(hash_password(PASSWORD))


def invitation_path(email: str = "ana@staff.example", role: Role = Role.VIEWER) -> str:
    return path_of(invite(Invitation(email, "fr", role, "en"), context=context(runtime().clock())))


def make_recovery_codes(desk: FlaskClient) -> list[str]:
    token = csrf(desk.get("/staff/mf-recovery-codes"))
    page = desk.post("/staff/mf-recovery-codes", data={"generate_codes": "y", "csrf_token": token})
    desk.post("/staff/logout", data={"csrf_token": token})
    return re.findall(r"<code[^>]*>([^<]+)</code>", page.text)
