"""Links mailed to staff: none is valid for a later account with the same id; requesting one reveals no account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.signing.token import Purpose
from campaign.domain.staff.roles import Role
from campaign.models import ResetRequest, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.staff.accounts import Invitation, invite, set_preferences
from tests.conftest import START, Clock, Postbox, context, text_of
from tests.platform.statements import recorded_statements
from tests.staff.staff_clients import PASSWORD, csrf, join_staff, path_of

ANA, BOB = "ana@staff.example", "bob@staff.example"
Deliver = Callable[[], object]


def give_id_to_another(staff_id: int, **values: object) -> None:
    """Give the id to another person's account, as after the restore of a backup from before the account."""
    with transaction() as session:
        fresh = {"email": BOB, "fs_uniquifier": "b" * 64, "link_key": b"another key of 1"} | values
        session.execute(update(Staff).where(Staff.id == staff_id).values(**fresh))


def request_reset(client: FlaskClient, email: str) -> None:
    client.post("/staff/reset", data={"email": email, "csrf_token": csrf(client.get("/staff/reset"))})


def reset_link(postbox: Postbox) -> str:
    return path_of(next(line for line in text_of(postbox.messages[-1]).splitlines() if "/reset/" in line))


def test_an_old_invitation_is_invalid_for_the_account_that_got_its_id(app: Flask, client: FlaskClient) -> None:
    link = path_of(invite(Invitation(ANA, "fr", Role.ADMIN, "en"), context=context()))
    page = client.get(link)
    assert page.status_code == 200
    give_id_to_another(db.session.scalars(select(Staff.id)).one())
    assert client.get(link).status_code == 410
    assert client.post(link, data={"password": PASSWORD, "csrf_token": csrf(page)}).status_code == 410
    db.session.rollback()
    assert db.session.scalars(select(Staff.password)).one() is None


@pytest.mark.parametrize("changed", ["link_key", "fs_uniquifier"])
def test_an_old_reset_link_is_invalid_for_the_account_that_got_its_id(
    app: Flask, client: FlaskClient, deliver: Deliver, postbox: Postbox, changed: str
) -> None:
    staff_id = join_staff(app, ANA, Role.VIEWER)
    request_reset(client, ANA)
    deliver()
    link = reset_link(postbox)
    page = client.get(link)
    assert page.status_code == 200
    before = db.session.get_one(Staff, staff_id)
    kept = {"link_key": before.link_key, "fs_uniquifier": before.fs_uniquifier, "password": before.password}
    db.session.rollback()
    give_id_to_another(staff_id, **{name: value for name, value in kept.items() if name != changed})
    new = {"password": "another four words", "password_confirm": "another four words", "csrf_token": csrf(page)}
    for answer in (client.get(link), client.post(link, data=new)):
        assert answer.location == "/staff/reset"
    db.session.rollback()
    assert db.session.scalars(select(Staff.password)).one() == kept["password"]


def test_an_old_digest_link_unsubscribes_no_other_account(app: Flask, client: FlaskClient) -> None:
    staff_id = join_staff(app, ANA, Role.VIEWER)
    set_preferences(staff_id, locale="en", wants_digest=True, context=context())
    token = runtime().tokens.make(Purpose.DIGEST, staff_id, START, db.session.get_one(Staff, staff_id).link_key)
    give_id_to_another(staff_id)
    assert client.post(f"/staff/digest/{token}").status_code == 404
    db.session.rollback()
    assert db.session.scalars(select(Staff.wants_digest)).one()


def test_a_reset_link_works_for_an_hour(
    app: Flask, client: FlaskClient, deliver: Deliver, postbox: Postbox, clock: Clock
) -> None:
    join_staff(app, ANA, Role.VIEWER)
    request_reset(client, ANA)
    deliver()
    link = reset_link(postbox)
    clock.now += timedelta(minutes=59)
    assert client.get(link).status_code == 200
    clock.now += timedelta(minutes=2)
    assert client.get(link).location == "/staff/reset"


def test_requesting_a_reset_looks_up_no_account(app: Flask, client: FlaskClient) -> None:
    """Run the same statements for live, ended, invited and unknown accounts, so that no time reveals one."""
    join_staff(app, ANA, Role.ADMIN)
    invite(Invitation("waits@staff.example", "fr", Role.VIEWER, "en"), context=context())
    with transaction() as session:
        session.execute(update(Staff).where(Staff.id == join_ended_account(app)).values(active=False))
    token, answers = csrf(client.get("/staff/reset")), {}
    staff: Flask = app.extensions["tocsin_staff"]
    with staff.app_context():
        engine = db.engine
    for email in (ANA, "waits@staff.example", "ended@staff.example", "nobody@staff.example"):
        with recorded_statements(engine) as statements:
            answer = client.post("/staff/reset", data={"email": email, "csrf_token": token})
        text = answer.text.replace(email, "").replace(token, "")
        answers[email] = (answer.status_code, text, tuple(statements))
    assert answers[ANA][2]
    assert not any(" staff " in f" {statement} " for statement in answers[ANA][2]), "no account is looked up"
    assert len({statements for _, _, statements in answers.values()}) == 1
    db.session.rollback()
    assert len(db.session.scalars(select(ResetRequest.id)).all()) == 4


def join_ended_account(app: Flask) -> int:
    return join_staff(app, "ended@staff.example", Role.VIEWER)
