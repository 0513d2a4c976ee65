"""The language of docs/developing/add-a-language.md is that of pages, mails and staff pages."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.roles import Role
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import Postbox, form, text_of
from tests.staff.staff_clients import staff_client


def test_pages_are_in_it(client: FlaskClient, appeal: AppealView) -> None:
    page = client.get("/pt/appeals/ana-ruiz-vega").text
    assert '<html lang="pt" dir="ltr"' in page
    assert 'lang="pt" hreflang="pt"' in client.get("/en/appeals/ana-ruiz-vega").text
    assert client.get("/", headers={"Accept-Language": "pt"}).location.endswith("/pt/")


def test_mail_is_in_it(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    assert client.post("/pt/appeals/ana-ruiz-vega/sign", data=form()).status_code == 303
    deliver()
    assert "/pt/s/" in text_of(postbox.messages[0])


def test_staff_choose_it_and_see_every_message_in_it(app: Flask) -> None:
    browser = staff_client(app, Role.VIEWER)
    assert '<option value="pt"' in browser.get("/staff/account").text
    assert "Professora ameaçada por ensinar" in browser.get("/staff/messages/confirmation?lang=pt").text
