"""Addresses typed elsewhere than in the sign form are asked about in the same words, and taken when sent again."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.outbox.mail_state import SMTPUTF8_ALERT
from campaign.domain.staff.roles import Role
from campaign.models import LinkRequest, Mail
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse.alert import note_alert
from tests.conftest import START, confirm_newest, form, manage_token
from tests.staff.staff_clients import csrf, staffed

SIGN = "/en/appeals/ana-ruiz-vega/sign"
DOUBTED = ("jeanne@gmial.com", "jeanne@mail.zzz", "é.martin@mail.example")
FINE = ("jeanne@new.example", "nobody@gmail.com")


class Door:
    """One form with an address, sent by a browser without JavaScript."""

    def __init__(self, name: str, app: Flask, client: FlaskClient) -> None:
        client.post(SIGN, data=form(email="first@mail.example"))
        signature_id = confirm_newest(START)
        self.name, self._browser, self._more = name, client, {}
        self.path = {
            "new link": "/en/new-link",
            "my data": f"/en/m/{manage_token(signature_id)}/me",
            "staff": f"/staff/moderation/signatures/{signature_id}/address",
        }[name]
        if name == "my data":
            self._more = {"do": "address"}
        if name == "staff":
            self._browser = staffed(app, Role.EDITOR)
            self._more = {"reason": "wrote a letter", "csrf_token": csrf(self._browser.get("/staff/account"))}

    def send(self, **fields: str) -> Any:
        return self._browser.post(self.path, data={**self._more, **fields})

    def taken(self) -> int:
        """Return the number of stored mails and requests for mails."""
        db.session.rollback()
        model = LinkRequest if self.name == "new link" else Mail
        chosen = select(model.id) if model is LinkRequest else select(Mail.id).where(Mail.kind == "address")
        found = len(db.session.scalars(chosen).all())
        db.session.rollback()
        return found


@pytest.fixture(params=["new link", "my data", "staff"])
def door(request: pytest.FixtureRequest, app: Flask, client: FlaskClient, appeal: AppealView) -> Door:
    return Door(request.param, app, client)


@pytest.mark.parametrize("email", DOUBTED)
def test_what_looks_wrong_is_asked_about_as_in_the_sign_form(client: FlaskClient, door: Door, email: str) -> None:
    words = re.findall(r'<p class="wrong">(.*?)</p>', client.post(SIGN, data=form(email=email)).text)
    answer = door.send(email=email)
    assert answer.status_code == 422
    assert len(words) == 1
    assert words[0] in answer.text
    assert door.taken() == 0
    asked = re.findall(r'<input type="hidden" name="checked" value="([^"]*)">', answer.text)
    assert [unescape(one) for one in asked] == [email]
    assert f'value="{email}"' in answer.text.replace(asked[0], email)
    # Another one is asked about anew; the same is taken.
    assert door.send(email="x@gmial.com", checked=email).status_code == 422
    assert door.send(email=email, checked=email).status_code == 303
    assert door.taken() == 1


@pytest.mark.parametrize("email", FINE)
def test_others_are_taken_at_once(door: Door, email: str) -> None:
    assert door.send(email=email).status_code == 303
    assert door.taken() == 1


def test_what_the_relay_cannot_carry_is_not_taken(door: Door) -> None:
    with transaction() as session:
        note_alert(session, SMTPUTF8_ALERT, now=START)
    for fields in ({}, {"checked": DOUBTED[2]}):
        answer = door.send(email=DOUBTED[2], **fields)
        assert answer.status_code == 422
        assert door.taken() == 0
    assert "We cannot send mail to an address with such letters" in answer.text
