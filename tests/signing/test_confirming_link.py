"""The link of a confirmation mail opens the signatures that it confirmed, and no others of the mailbox."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.document import parse_text
from campaign.models import Appeal, ErasureJournalEntry, Signature, SignUp
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.verify import verify_counts
from tests.conftest import DAY, DOCUMENT, START, Clock, Postbox, clear_caches, context, form, manage_token, text_of

SLUGS = ("ana-ruiz-vega", "second", "third")


@pytest.fixture
def appeals(app: Flask, appeal: AppealView) -> None:
    for slug in SLUGS[1:]:
        publish(import_draft(parse_text(DOCUMENT), ImportOptions(slug=slug), context=context()).slug, context=context())
    clear_caches(app)


@pytest.fixture
def used_link(client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox) -> str:
    """Return the used confirmation link of the first appeal."""
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form())
    deliver()
    link = postbox.link()
    assert client.post(link, data={"updates": "y"}).status_code == 303
    return link


def confirm_together(client: FlaskClient, deliver: Any, postbox: Postbox, *slugs: str) -> str:
    """Sign those appeals as the same person, confirm them by one link, and return the page that it leads to."""
    for slug in slugs:
        client.post(f"/en/appeals/{slug}/sign", data=form())
    postbox.messages.clear()
    postbox.recipients.clear()
    deliver()
    mailed = [re.findall(r"http://\S+?(/en/s/\S+)", text_of(message)) for message in postbox.messages]
    (link,) = [found[0] for found in mailed if found][-1:]
    answer = client.post(link, data={"appeal": list(slugs)})
    assert answer.status_code == 303
    assert answer.location.startswith("/en/m/")
    return str(answer.location)


def states_and_countries() -> dict[str, tuple[str, str]]:
    """Return each signature's state and country, by appeal."""
    db.session.rollback()
    rows = db.session.execute(
        select(Appeal.slug, Signature.state, Signature.country).join(Appeal, Appeal.id == Signature.appeal_id)
    )
    by_slug = {slug: (state, country) for slug, state, country in rows}
    db.session.rollback()
    return by_slug


def exported_slugs(client: FlaskClient, me: str) -> list[str]:
    export = json.loads(client.get(f"{me}.json").data)
    assert set(export) == {"signatures"}
    return sorted(signature["appeal"]["slug"] for signature in export["signatures"])


def test_the_link_opens_the_signatures_that_it_confirmed_and_no_others(
    client: FlaskClient, used_link: str, deliver: Any, postbox: Postbox
) -> None:
    act = confirm_together(client, deliver, postbox, "second")
    client.post("/en/appeals/third/sign", data=form(name="J. Martin"))
    me = act.replace("/act", "/me")
    page = client.get(me).text
    assert page.count('class="stored" aria-labelledby="stored-') == 1
    assert "under this address." not in page
    assert "J. Martin" not in page, "a waiting form is not shown either"
    assert exported_slugs(client, me) == ["second"]
    other_id = db.session.scalars(select(Signature.id).order_by(Signature.id)).first()
    db.session.rollback()
    for chosen in ("all", str(other_id)):
        client.post(me, data={"do": "country", "country": "DE", "signature": chosen})
        client.post(me, data={"do": "withdraw", "signature": chosen})
    assert states_and_countries() == {"ana-ruiz-vega": ("confirmed", "FR"), "second": ("withdrawn", "DE")}
    client.post(me, data={"do": "erase", "signature": "all"})
    assert "Nothing is left of this signature" in client.get(me).text
    assert states_and_countries()["ana-ruiz-vega"] == ("confirmed", "FR")
    assert verify_counts() == []


def test_signatures_confirmed_together_are_opened_together(
    client: FlaskClient, used_link: str, deliver: Any, postbox: Postbox
) -> None:
    me = confirm_together(client, deliver, postbox, "second", "third").replace("/act", "/me")
    assert exported_slugs(client, me) == ["second", "third"]
    page = client.get(me).text
    assert page.count('class="stored" aria-labelledby="stored-') == 2
    client.post(me, data={"do": "withdraw", "signature": "all"})
    assert {slug: state for slug, (state, _) in states_and_countries().items()} == {
        "ana-ruiz-vega": "confirmed",
        "second": "withdrawn",
        "third": "withdrawn",
    }


def test_the_link_opens_every_page_for_sending_the_letter(
    client: FlaskClient, used_link: str, deliver: Any, postbox: Postbox
) -> None:
    act = confirm_together(client, deliver, postbox, "second")
    assert "your signature counts" in client.get(act).text
    for path in ("/letter.pdf", "/words", "/act.svg"):
        assert client.get(act.replace("/act", path)).status_code == 200, path
    assert client.post(act, data={"channel": "letter", "target": "1"}).status_code == 303
    assert "letter" in client.get(act.replace("/act", "/me.json")).text
    mailed = client.post(act.replace("/act", "/words"), data={"words": "My own words.", "do": "mail"})
    assert "It is on its way" in mailed.text


def test_a_changed_address_applies_only_to_the_signatures_that_the_link_opens(
    client: FlaskClient, used_link: str, deliver: Any, postbox: Postbox
) -> None:
    me = confirm_together(client, deliver, postbox, "second").replace("/act", "/me")
    deliver()
    assert client.post(me, data={"do": "address", "email": "new@mail.example"}).status_code == 303
    deliver()
    text = text_of(postbox.messages[postbox.recipients.index("new@mail.example")])
    link = re.findall(r"http://\S+?(/en/m/\S+/address)", text)[0]
    assert "1 signature is under the new address" in client.post(link).text
    earlier_id = db.session.scalars(select(Signature.id).order_by(Signature.id)).first()
    assert earlier_id is not None
    assert exported_slugs(client, f"/en/m/{manage_token(earlier_id)}/me") == ["ana-ruiz-vega"]
    assert exported_slugs(client, me) == []


def test_a_used_link_expires(client: FlaskClient, used_link: str, clock: Clock) -> None:
    answer = client.post(used_link)
    assert answer.location == client.post(used_link).location
    assert answer.location.startswith("/en/m/")
    assert exported_slugs(client, answer.location.replace("/act", "/me")) == ["ana-ruiz-vega"]
    for days in (1, 5):
        clock.now = START + days * DAY
        later_answer = client.post(used_link)
        assert (later_answer.status_code, later_answer.location) == (303, "/en/appeals/ana-ruiz-vega/act")
        assert client.get(later_answer.location).status_code == 200
        assert "Jeanne" not in client.get(later_answer.location).text
    clock.now = START + timedelta(days=31)
    assert client.get(answer.location.replace("/act", "/me")).status_code == 410, (
        "pressing again does not extend its lifetime"
    )


def test_the_page_offers_a_mail_with_a_link_to_all_signatures(
    client: FlaskClient, used_link: str, deliver: Any, postbox: Postbox
) -> None:
    act = confirm_together(client, deliver, postbox, "second")
    deliver()
    (me,) = re.findall(r'href="(/en/m/\S+/me)"', client.get(act).text)
    page = client.get(me).text
    (request_form,) = re.findall(r'<form method="post" action="/en/new-link".*?</form>', page, re.DOTALL)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', request_form))
    postbox.messages.clear()
    assert client.post("/en/new-link", data=fields).status_code == 303
    deliver()
    mailed = [re.findall(r"http://\S+?(/en/m/\S+/me)", text_of(message)) for message in postbox.messages]
    (link_to_all,) = [found[0] for found in mailed if found]
    assert exported_slugs(client, link_to_all) == ["ana-ruiz-vega", "second"]
    assert "2 signatures under this address." in client.get(link_to_all).text


def waiting_forms() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(SignUp.id).where(SignUp.email_sealed.is_not(None))).all())


def sign_three_appeals(client: FlaskClient, deliver: Any, postbox: Postbox) -> str:
    """Sign three appeals; return the link of the mail that confirms all of them."""
    for slug in SLUGS:
        client.post(f"/en/appeals/{slug}/sign", data=form())
    deliver()
    return postbox.link()


def test_an_unticked_appeal_is_not_confirmed(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox
) -> None:
    link = sign_three_appeals(client, deliver, postbox)
    mailed_forms = re.findall(r'name="shown" value="([^"]+)"', client.get(link).text)
    assert len(mailed_forms) == 3
    refused_answer = client.post(link, data={"shown": mailed_forms})
    assert refused_answer.status_code == 422
    assert "Nothing is ticked" in refused_answer.text
    assert " checked" not in refused_answer.text, "the page keeps the choice"
    assert db.session.scalars(select(Signature.id)).all() == []
    assert client.post(link, data={"shown": mailed_forms, "appeal": ["second"]}).status_code == 303
    assert [appeal.slug for appeal in db.session.scalars(select(Appeal).join(Signature))] == ["second"]


def test_the_owner_of_the_mailbox_can_erase_all_waiting_forms(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox, app: Flask
) -> None:
    link = sign_three_appeals(client, deliver, postbox)
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form(name="Another Form"))
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form(email="else@mail.example"))
    answer = client.post(link, data={"do": "erase"})
    assert "We have erased everything that waited" in answer.text
    assert waiting_forms() == 1, "the form of another mailbox stays"
    assert "Nothing is left of this signature" in client.get(link).text
    journal_entries = db.session.execute(select(ErasureJournalEntry.appeal_id)).all()
    assert len(journal_entries) == 3, "the journal erases them again after a restore"


def test_an_outdated_page_does_not_erase_a_confirmed_signature(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox
) -> None:
    link = sign_three_appeals(client, deliver, postbox)
    client.post(link)
    before = waiting_forms()
    answer = client.post(link, data={"do": "erase"})
    assert answer.status_code == 409
    assert "Nothing was erased" in answer.text
    assert 'href="/en/new-link"' in answer.text
    assert waiting_forms() == before == 2
    assert db.session.scalars(select(Signature.state)).all() == ["confirmed"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_invalidated_signature_is_not_called_withdrawn(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox, method: str
) -> None:
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form())
    deliver()
    link = postbox.link()
    client.post(link)
    db.session.execute(update(Signature).values(state="invalidated"))
    db.session.commit()
    answer = getattr(client, method)(link)
    assert answer.status_code == 410
    assert "have taken it out of the counts" in answer.text
    assert "sign again" not in answer.text
