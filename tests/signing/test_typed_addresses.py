"""Addresses typed in other forms than the sign form: asked about in the same words, accepted when sent again."""

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
from tests.staff.staff_clients import csrf, staff_client

SIGN = "/en/appeals/ana-ruiz-vega/sign"
DOUBTFUL_EMAILS = ("jeanne@gmial.com", "jeanne@mail.zzz", "é.martin@mail.example")
PLAUSIBLE_EMAILS = ("jeanne@new.example", "nobody@gmail.com")


class AddressForm:
    """A form with an address, sent by a browser without JavaScript."""

    def __init__(self, name: str, app: Flask, client: FlaskClient) -> None:
        client.post(SIGN, data=form(email="first@mail.example"))
        signature_id = confirm_newest(START)
        self.name, self._browser, self._other_fields = name, client, {}
        self.path = {
            "new link": "/en/new-link",
            "my data": f"/en/m/{manage_token(signature_id)}/me",
            "staff": f"/staff/moderation/signatures/{signature_id}/address",
        }[name]
        if name == "my data":
            self._other_fields = {"do": "address"}
        if name == "staff":
            self._browser = staff_client(app, Role.EDITOR)
            self._other_fields = {"reason": "wrote a letter", "csrf_token": csrf(self._browser.get("/staff/account"))}

    def send(self, **fields: str) -> Any:
        return self._browser.post(self.path, data={**self._other_fields, **fields})

    def count_accepted(self) -> int:
        """Return the number of stored mails or link requests."""
        db.session.rollback()
        model = LinkRequest if self.name == "new link" else Mail
        chosen = select(model.id) if model is LinkRequest else select(Mail.id).where(Mail.kind == "address")
        found = len(db.session.scalars(chosen).all())
        db.session.rollback()
        return found


@pytest.fixture(params=["new link", "my data", "staff"])
def address_form(request: pytest.FixtureRequest, app: Flask, client: FlaskClient, appeal: AppealView) -> AddressForm:
    return AddressForm(request.param, app, client)


@pytest.mark.parametrize("email", DOUBTFUL_EMAILS)
def test_a_doubtful_address_is_asked_about_as_in_the_sign_form(
    client: FlaskClient, address_form: AddressForm, email: str
) -> None:
    words = re.findall(r'<p class="wrong">(.*?)</p>', client.post(SIGN, data=form(email=email)).text)
    answer = address_form.send(email=email)
    assert answer.status_code == 422
    assert len(words) == 1
    assert words[0] in answer.text
    assert address_form.count_accepted() == 0
    checked = re.findall(r'<input type="hidden" name="checked" value="([^"]*)">', answer.text)
    assert [unescape(value) for value in checked] == [email]
    assert f'value="{email}"' in answer.text.replace(checked[0], email)
    # Another doubtful address is asked about again; the same one is accepted.
    assert address_form.send(email="x@gmial.com", checked=email).status_code == 422
    assert address_form.send(email=email, checked=email).status_code == 303
    assert address_form.count_accepted() == 1


@pytest.mark.parametrize("email", PLAUSIBLE_EMAILS)
def test_a_plausible_address_is_accepted_at_once(address_form: AddressForm, email: str) -> None:
    assert address_form.send(email=email).status_code == 303
    assert address_form.count_accepted() == 1


def test_an_address_that_the_relay_cannot_carry_is_not_accepted(address_form: AddressForm) -> None:
    with transaction() as session:
        note_alert(session, SMTPUTF8_ALERT, now=START)
    for fields in ({}, {"checked": DOUBTFUL_EMAILS[2]}):
        answer = address_form.send(email=DOUBTFUL_EMAILS[2], **fields)
        assert answer.status_code == 422
        assert address_form.count_accepted() == 0
    assert "We cannot send mail to an address with such letters" in answer.text
