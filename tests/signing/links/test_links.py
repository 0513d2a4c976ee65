"""Mailed links: GET changes nothing, POST can be repeated, and expired or damaged links are explained."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.models import Action, Consent, Mail, Signature, SignUp, Tombstone
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.counting.verify import verify_counts
from tests.conftest import Clock, Postbox, clear_caches, form

URL = "/en/appeals/ana-ruiz-vega/sign"


@pytest.fixture
def link(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> str:
    client.post(URL, data=form())
    deliver()
    return postbox.link()


def count_signatures(appeal: AppealView) -> int:
    db.session.rollback()
    return counts(appeal.id).signatures


def test_reading_the_page_changes_nothing(client: FlaskClient, appeal: AppealView, link: str) -> None:
    for _ in range(10):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert count_signatures(appeal) == 0
    assert client.get(link).headers["Cache-Control"] == "no-store"


def test_confirming_twice_counts_once(client: FlaskClient, appeal: AppealView, link: str) -> None:
    assert client.post(link).status_code == client.post(link).status_code == 303
    assert count_signatures(appeal) == 1
    assert db.session.scalars(select(Action.evidence)).all() == ["verified"]
    assert verify_counts() == []


def test_an_expired_link_offers_a_new_one(client: FlaskClient, link: str, clock: Clock) -> None:
    clock.now += timedelta(days=400)
    page = client.get(link)
    assert page.status_code == 410
    assert 'action="/en/new-link"' in page.text
    assert client.post(link).status_code == 410


def test_a_damaged_link_offers_a_new_one(client: FlaskClient, app: Flask) -> None:
    for path in ("/en/s/x", "/en/m/x/act", "/en/m/x/me"):
        page = client.get(path)
        assert page.status_code == 404
        assert 'action="/en/new-link"' in page.text


def test_a_new_link_is_mailed_and_the_page_reveals_nothing(
    client: FlaskClient, link: str, deliver: Any, postbox: Postbox
) -> None:
    known_answer = client.post("/en/new-link", data={"email": "JEANNE@mail.example"})
    unknown = client.post("/en/new-link", data={"email": "nobody@mail.example"})
    assert (known_answer.status_code, known_answer.data) == (unknown.status_code, unknown.data) == (303, unknown.data)
    assert deliver() == {"sent": 1}
    assert client.post(postbox.link()).status_code == 303


def test_withdrawing_lowers_the_count_and_signing_again_restores_it(
    client: FlaskClient, appeal: AppealView, link: str, deliver: Any, postbox: Postbox
) -> None:
    me = client.post(link).location.replace("/act", "/me")
    assert client.post(me, data={"signature": "all", "do": "withdraw"}).status_code == 303
    assert count_signatures(appeal) == 0
    assert client.post(link).status_code == 410
    client.post(URL, data=form(name="Jeanne M. Martin"))
    deliver()
    client.post(postbox.link())
    assert count_signatures(appeal) == 1
    assert verify_counts() == []


def test_erasing_keeps_the_count_and_signing_again_counts_once(
    client: FlaskClient, appeal: AppealView, link: str, deliver: Any, postbox: Postbox
) -> None:
    me = client.post(link).location.replace("/act", "/me")
    client.post(me, data={"signature": "all", "do": "erase"})
    erased = db.session.scalars(select(Signature)).one()
    assert (erased.name_sealed, erased.email_sealed, erased.address_digest) == (None, None, None)
    assert len(db.session.scalars(select(Tombstone)).all()) == 1
    assert count_signatures(appeal) == 1
    assert "Nothing is left of this signature" in client.get(me).text
    client.post(URL, data=form())
    deliver()
    client.post(postbox.link())
    assert count_signatures(appeal) == 1
    client.post(client.post(postbox.link()).location.replace("/act", "/me"), data={"signature": "all", "do": "erase"})
    assert count_signatures(appeal) == 1
    assert verify_counts() == []


def test_updates_can_be_subscribed_to_and_ended(client: FlaskClient, appeal: AppealView, link: str) -> None:
    me = client.post(link).location.replace("/act", "/me")
    for sent, wanted in (({"updates": "y"}, True), ({}, False)):
        client.post(me, data={"signature": "all", "do": "updates", **sent})
        db.session.rollback()
        assert db.session.scalars(select(Signature.wants_updates)).one() is wanted
    given = db.session.scalars(select(Consent.to_updates).order_by(Consent.id)).all()
    assert given == [False, True, False]


def test_erasing_an_unconfirmed_form_leaves_nothing(client: FlaskClient, appeal: AppealView, link: str) -> None:
    client.post(link, data={"do": "erase"})
    assert db.session.scalars(select(SignUp)).all() == []
    assert set(db.session.execute(select(Mail.signature_id, Mail.sign_up_id))) == {(None, None)}
    assert client.get(link).status_code == 410


def test_reporting_a_letter_counts_once_a_day(
    client: FlaskClient, app: Flask, appeal: AppealView, link: str, clock: Clock
) -> None:
    act = client.post(link).location
    for _ in range(3):
        client.post(act, data={"channel": "letter", "target": "1"})
    client.post(act, data={"channel": "signature", "target": "1"})
    client.post(act, data={"channel": "letter", "target": "99"})
    db.session.rollback()
    current_counts = counts(appeal.id)
    assert (current_counts.total, current_counts.signatures, current_counts.by_evidence) == (
        2,
        1,
        {"verified": 1, "reported": 1, "bulk": 0},
    )
    clock.now += timedelta(days=1)
    client.post(act, data={"channel": "letter", "target": "1"})
    db.session.rollback()
    assert counts(appeal.id).by_channel == {"letter": 2, "signature": 1}
    assert verify_counts() == []
    clear_caches(app)
    data = client.get("/api/v1/appeals/ana-ruiz-vega").get_json()
    by_evidence = {"verified": 1, "reported": 2, "bulk": 0}
    assert data["counts"]["by_section"] == {
        "fr": {"total": 3, "by_channel": {"letter": 2, "signature": 1}, "by_evidence": by_evidence}
    }


def test_a_used_link_says_that_it_counted_and_nothing_else(client: FlaskClient, link: str) -> None:
    before = client.get(link).text
    assert "Nothing is counted." in before
    client.post(link)
    after = client.get(link).text
    assert "Your signature is confirmed and counted." in after
    assert "Nothing is counted." not in after


@pytest.mark.parametrize("path", ["/en/appeals/ana-ruiz-vega/thanks", "/embed/ana-ruiz-vega/thanks?lang=en"])
def test_the_thank_you_page_promises_no_mail(client: FlaskClient, appeal: AppealView, path: str) -> None:
    page = client.get(path).text
    assert "If we can write to this address" in page
    assert "At most three such mails go to an address in a day" in page
    for untrue in ("Almost done", "goes to your address", "It comes within"):
        assert untrue not in page
