"""Unsubscribing: by one click, for a section or for all; opening the page changes nothing."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.document import parse_text
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Consent, Signature
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.signing.erase import erase
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DOCUMENT, START, confirm_newest, context, manage_token

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def unsubscribe_link(appeal: AppealView) -> str:
    """Return the link of an address that confirmed two appeals in one section and a third in another, with updates."""
    for slug, section in (("one", "fr"), ("two", "fr"), ("three", "be-nl")):
        import_draft(parse_text(DOCUMENT), ImportOptions(slug=slug), context=context())
        publish(slug, context=context())
        found = find_appeal(slug)
        assert found is not None
        db.session.rollback()
        address = parse_address("jeanne@mail.example")
        sign_up = SignUpRequest(found.id, section, "FR", "Jeanne", address, "fr", "en", 1, None)
        sign(sign_up, context=context(actor=SUPPORTER))
        confirm_newest(START, updates=True)
    first = db.session.scalars(select(Signature.id).order_by(Signature.id)).first()
    assert first is not None
    return f"/en/u/{manage_token(first, purpose=Purpose.UNSUBSCRIBE)}"


def subscriptions() -> list[bool]:
    db.session.rollback()
    return list(db.session.scalars(select(Signature.wants_updates).order_by(Signature.id)))


def test_reading_the_page_changes_nothing(client: FlaskClient, unsubscribe_link: str) -> None:
    page = client.get(unsubscribe_link)
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert "jeanne" not in page.text.lower()
    assert "<title>No more mail – Tocsin</title>" in page.text
    client.head(unsubscribe_link)
    assert subscriptions() == [True, True, True]


def test_the_section_is_named_in_the_readers_language(client: FlaskClient, unsubscribe_link: str) -> None:
    assert "فرنسا" in client.get(unsubscribe_link.replace("/en/", "/ar/")).text


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://mail.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}],
)
def test_one_click_from_any_site_ends_the_sections_mail(
    client: FlaskClient, unsubscribe_link: str, headers: dict[str, str]
) -> None:
    for _ in range(2):
        answer = client.post(unsubscribe_link, data=ONE_CLICK, headers=headers)
        assert answer.status_code == 200
        assert "no more of these mails" in answer.text
    assert subscriptions() == [False, False, True]
    records = db.session.execute(select(Consent.to_appeal, Consent.to_updates).order_by(Consent.id)).all()
    assert [tuple(record) for record in records] == [(True, True)] * 3 + [(True, False)] * 2


def test_one_click_may_come_as_a_multipart_form(client: FlaskClient, unsubscribe_link: str) -> None:
    assert client.post(unsubscribe_link, data=ONE_CLICK, content_type="multipart/form-data").status_code == 200
    assert subscriptions() == [False, False, True]


def test_subscribers_can_unsubscribe_from_every_section(client: FlaskClient, unsubscribe_link: str) -> None:
    assert 'value="all"' in client.get(unsubscribe_link).text
    client.post(unsubscribe_link, data={"from": "all"})
    assert subscriptions() == [False, False, False]


def test_a_link_of_another_purpose_is_refused(client: FlaskClient, unsubscribe_link: str) -> None:
    manage = runtime().tokens.make(Purpose.MANAGE, 1, START, b"")
    for token in (manage, "x", unsubscribe_link.rpartition("/")[2][:-1]):
        assert client.post(f"/en/u/{token}", data=ONE_CLICK).status_code == 404
        assert client.get(f"/en/u/{token}").status_code == 404
    assert subscriptions() == [True, True, True]


def test_the_link_still_works_after_erasing(client: FlaskClient, unsubscribe_link: str) -> None:
    for row_id in db.session.scalars(select(Signature.id)).all():
        db.session.rollback()
        erase(row_id, context=context(actor=SUPPORTER))
    assert client.get(unsubscribe_link).status_code == client.post(unsubscribe_link, data=ONE_CLICK).status_code == 200
    left = db.session.execute(select(Signature.name_sealed, Signature.email_sealed, Signature.wants_updates)).all()
    assert [tuple(row) for row in left] == [(None, None, False)] * 3, "the counted rows stay, without personal data"
