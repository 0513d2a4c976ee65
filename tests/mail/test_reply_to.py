"""Replies to a section's mails go to the reply address of the section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import parse_address
from campaign.models import Section
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.outbox.enqueue import enqueue_to_address
from tests.conftest import Postbox, context, form

URL = "/en/appeals/ana-ruiz-vega/sign"


@pytest.fixture
def reply_address(app: Flask) -> Iterator[None]:
    """Set a reply address for France and remove it afterwards, because other tests share the sections."""
    with transaction() as session:
        session.execute(update(Section).where(Section.code == "fr").values(reply_to="reponses@france.example"))
    yield
    db.session.rollback()
    with transaction() as session:
        session.execute(update(Section).values(reply_to=None))


def test_mail_to_a_signer_has_the_reply_address_of_their_section(
    reply_address: None, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form(email="fr@mail.example", country="FR"))
    client.post(URL, data=form(email="jp@mail.example", country="JP"))
    client.post(URL, data=form(email="fr2@mail.example", country="FR"))
    deliver()
    found = {to: message["Reply-To"] for to, message in zip(postbox.recipients, postbox.messages, strict=True)}
    assert found == {
        "fr@mail.example": "reponses@france.example",
        "jp@mail.example": None,
        "fr2@mail.example": "reponses@france.example",
    }


def test_every_later_mail_has_the_reply_address_too(
    reply_address: None, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    client.post(postbox.link())
    deliver()
    client.post(URL, data=form())
    deliver()
    assert [message["Reply-To"] for message in postbox.messages] == ["reponses@france.example"] * 3


def test_mail_to_staff_has_no_reply_address(reply_address: None, deliver: Any, postbox: Postbox) -> None:
    said = {"subject": "An alert", "text": "Look.", "url": ""}
    with transaction() as session:
        to = parse_address("ed@staff.example")
        kind = MailKind.STAFF_ALERT
        enqueue_to_address(
            session.connection(), kind, to, said, locale="en", context=context()
        )  # fmt: skip
    assert deliver() == {"sent": 1}
    assert postbox.messages[0]["Reply-To"] is None
