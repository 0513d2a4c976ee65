"""Addresses of targets, of the sender and return paths: thanked as all others are, and mailed nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.document import parse_text
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import Mail, Target
from campaign.queries.appeal import AppealView
from campaign.services.appeals import publish
from campaign.services.import_draft import ImportOptions, import_draft
from campaign.web import addressees
from tests.conftest import DOCUMENT, START, Postbox, form, fresh

URL = "/en/appeals/ana-ruiz-vega/sign"
TARGET, ELSEWHERE = "ministro@interior.gob.example", "embajada@elsewhere.example"


@pytest.fixture
def addressed(app: Flask, appeal: AppealView) -> AppealView:
    """With a target of that address, and another appeal with another."""
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="another"), now=START).slug
    publish(slug, now=START)
    db.session.execute(update(Target).where(Target.appeal_id == appeal.id).values(emails=[TARGET]))
    db.session.execute(update(Target).where(Target.appeal_id != appeal.id).values(emails=[ELSEWHERE.title()]))
    db.session.commit()
    fresh(app)
    addressees.init_app(app)
    return appeal


def given(answer: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    headers = sorted((name, value) for name, value in answer.headers if not name.startswith("X-RateLimit"))
    return answer.status_code, answer.data, headers


@pytest.mark.parametrize(
    "email",
    [
        TARGET,
        TARGET.upper(),
        "ministro+a@interior.gob.example",
        "minis.tro@interior.gob.example",
        ELSEWHERE,
        "{sender}",
        "{tagged}",
        "bounce@{bounces}",
        "bounce+12.abcdefghijklmnop@{bounces}",
        "Bounce+x@{bounces}",
    ],
)
def test_no_mail_goes_there_and_the_answer_is_the_same(
    client: FlaskClient, addressed: AppealView, deliver: Any, postbox: Postbox, email: str
) -> None:
    settings = runtime().settings
    sender = settings.mail_from.rpartition("<")[2].rstrip(">")
    local, _, domain = sender.partition("@")
    email = email.format(sender=sender, tagged=f"{local}+x@{domain}", bounces=settings.bounce_domain)
    as_others = given(client.post(URL, data=form(email="jeanne@interior.gob.example")))
    assert given(client.post(URL, data=form(email=email, checked=email))) == as_others
    client.post("/en/new-link", data={"email": email})
    deliver()
    assert postbox.recipients == ["jeanne@interior.gob.example"]
    assert db.session.scalars(select(Mail.state).order_by(Mail.id)).all() == ["sent", "suppressed"]


def test_a_target_added_to_the_appeal_at_hand_is_known_at_once(
    app: Flask, client: FlaskClient, addressed: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    db.session.execute(update(Target).where(Target.appeal_id == addressed.id).values(emails=["new@interior.example"]))
    db.session.commit()
    fresh(app)
    client.post(URL, data=form(email="new@interior.example"))
    deliver()
    assert postbox.recipients == ["jeanne@mail.example"]
