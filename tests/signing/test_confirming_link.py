"""The mail that asks to confirm only confirms: what its link leads to opens what was confirmed by it, nothing else."""

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
from campaign.services.counting.verify import verify
from tests.conftest import DAY, DOCUMENT, START, Clock, Postbox, clear_caches, context, form, manage_token, text_of

SLUGS = ("ana-ruiz-vega", "second", "third")


@pytest.fixture
def appeals(app: Flask, appeal: AppealView) -> None:
    for slug in SLUGS[1:]:
        publish(import_draft(parse_text(DOCUMENT), ImportOptions(slug=slug), context=context()).slug, context=context())
    clear_caches(app)


@pytest.fixture
def first(client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox) -> str:
    """The used link of the first appeal."""
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form())
    deliver()
    link = postbox.link()
    assert client.post(link, data={"updates": "y"}).status_code == 303
    return link


def confirmed(client: FlaskClient, deliver: Any, postbox: Postbox, *slugs: str) -> str:
    """Sign those as the same person, confirm them by one link, and return where that leads."""
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


def states() -> dict[str, tuple[str, str]]:
    """Each signature's state and country, by appeal."""
    db.session.rollback()
    rows = db.session.execute(
        select(Appeal.slug, Signature.state, Signature.country).join(Appeal, Appeal.id == Signature.appeal_id)
    )
    found = {slug: (state, country) for slug, state, country in rows}
    db.session.rollback()
    return found


def exported(client: FlaskClient, me: str) -> list[str]:
    said = json.loads(client.get(f"{me}.json").data)
    assert set(said) == {"signatures"}
    return sorted(one["appeal"]["slug"] for one in said["signatures"])


def test_it_opens_what_it_has_confirmed_and_nothing_else_of_the_mailbox(
    client: FlaskClient, first: str, deliver: Any, postbox: Postbox
) -> None:
    act = confirmed(client, deliver, postbox, "second")
    client.post("/en/appeals/third/sign", data=form(name="J. Martin"))
    me = act.replace("/act", "/me")
    page = client.get(me).text
    assert page.count('class="held" aria-labelledby="held-') == 1
    assert "under this address." not in page
    assert "J. Martin" not in page, "what waits is not shown either"
    assert exported(client, me) == ["second"]
    foreign = db.session.scalars(select(Signature.id).order_by(Signature.id)).first()
    db.session.rollback()
    for chosen in ("all", str(foreign)):
        client.post(me, data={"do": "country", "country": "DE", "signature": chosen})
        client.post(me, data={"do": "withdraw", "signature": chosen})
    assert states() == {"ana-ruiz-vega": ("confirmed", "FR"), "second": ("withdrawn", "DE")}
    client.post(me, data={"do": "erase", "signature": "all"})
    assert "Nothing is left of this signature" in client.get(me).text
    assert states()["ana-ruiz-vega"] == ("confirmed", "FR")
    assert verify() == []


def test_several_confirmed_at_once_are_opened_together(
    client: FlaskClient, first: str, deliver: Any, postbox: Postbox
) -> None:
    me = confirmed(client, deliver, postbox, "second", "third").replace("/act", "/me")
    assert exported(client, me) == ["second", "third"]
    page = client.get(me).text
    assert page.count('class="held" aria-labelledby="held-') == 2
    client.post(me, data={"do": "withdraw", "signature": "all"})
    assert {slug: state for slug, (state, _) in states().items()} == {
        "ana-ruiz-vega": "confirmed",
        "second": "withdrawn",
        "third": "withdrawn",
    }


def test_every_page_to_send_the_letter_opens_with_it(
    client: FlaskClient, first: str, deliver: Any, postbox: Postbox
) -> None:
    act = confirmed(client, deliver, postbox, "second")
    assert "your signature counts" in client.get(act).text
    for path in ("/letter.pdf", "/words", "/act.svg"):
        assert client.get(act.replace("/act", path)).status_code == 200, path
    assert client.post(act, data={"channel": "letter", "target": "1"}).status_code == 303
    assert "letter" in client.get(act.replace("/act", "/me.json")).text
    mailed = client.post(act.replace("/act", "/words"), data={"words": "My own words.", "do": "mail"})
    assert "It is on its way" in mailed.text


def test_another_address_takes_along_what_the_link_opens_only(
    client: FlaskClient, first: str, deliver: Any, postbox: Postbox
) -> None:
    me = confirmed(client, deliver, postbox, "second").replace("/act", "/me")
    deliver()
    assert client.post(me, data={"do": "address", "email": "new@mail.example"}).status_code == 303
    deliver()
    said = text_of(postbox.messages[postbox.recipients.index("new@mail.example")])
    link = re.findall(r"http://\S+?(/en/m/\S+/address)", said)[0]
    assert "1 signature is under the new address" in client.post(link).text
    old = db.session.scalars(select(Signature.id).order_by(Signature.id)).first()
    assert old is not None
    assert exported(client, f"/en/m/{manage_token(old)}/me") == ["ana-ruiz-vega"]
    assert exported(client, me) == []


def test_a_used_link_opens_nothing_any_more(client: FlaskClient, first: str, clock: Clock) -> None:
    again = client.post(first)
    assert again.location == client.post(first).location
    assert again.location.startswith("/en/m/")
    assert exported(client, again.location.replace("/act", "/me")) == ["ana-ruiz-vega"]
    for days in (1, 5):
        clock.now = START + days * DAY
        later = client.post(first)
        assert (later.status_code, later.location) == (303, "/en/appeals/ana-ruiz-vega/act")
        assert client.get(later.location).status_code == 200
        assert "Jeanne" not in client.get(later.location).text
    clock.now = START + timedelta(days=31)
    assert client.get(again.location.replace("/act", "/me")).status_code == 410, (
        "pressing again makes it last no longer"
    )


def test_a_link_to_everything_is_two_presses_away(
    client: FlaskClient, first: str, deliver: Any, postbox: Postbox
) -> None:
    act = confirmed(client, deliver, postbox, "second")
    deliver()
    (me,) = re.findall(r'href="(/en/m/\S+/me)"', client.get(act).text)
    page = client.get(me).text
    (asking,) = re.findall(r'<form method="post" action="/en/new-link".*?</form>', page, re.DOTALL)
    asked = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asking))
    postbox.messages.clear()
    assert client.post("/en/new-link", data=asked).status_code == 303
    deliver()
    mailed = [re.findall(r"http://\S+?(/en/m/\S+/me)", text_of(message)) for message in postbox.messages]
    (whole,) = [found[0] for found in mailed if found]
    assert exported(client, whole) == ["ana-ruiz-vega", "second"]
    assert "2 signatures under this address." in client.get(whole).text


def waiting() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(SignUp.id).where(SignUp.email_sealed.is_not(None))).all())


def several(client: FlaskClient, deliver: Any, postbox: Postbox) -> str:
    """The link of the mail that gathers three appeals."""
    for slug in SLUGS:
        client.post(f"/en/appeals/{slug}/sign", data=form())
    deliver()
    return postbox.link()


def test_what_is_not_ticked_is_not_confirmed(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox
) -> None:
    link = several(client, deliver, postbox)
    shown = re.findall(r'name="shown" value="([^"]+)"', client.get(link).text)
    assert len(shown) == 3
    nothing = client.post(link, data={"shown": shown})
    assert nothing.status_code == 422
    assert "Nothing is ticked" in nothing.text
    assert " checked" not in nothing.text, "the page keeps what was chosen"
    assert db.session.scalars(select(Signature.id)).all() == []
    assert client.post(link, data={"shown": shown, "appeal": ["second"]}).status_code == 303
    assert [of.slug for of in db.session.scalars(select(Appeal).join(Signature))] == ["second"]


def test_who_has_not_signed_erases_all_that_waits_for_the_mailbox(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox, app: Flask
) -> None:
    link = several(client, deliver, postbox)
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form(name="Another Form"))
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form(email="else@mail.example"))
    answer = client.post(link, data={"do": "erase"})
    assert "We have erased everything that waited" in answer.text
    assert waiting() == 1, "another mailbox keeps what is its own"
    assert "Nothing is left of this signature" in client.get(link).text
    left = db.session.execute(select(ErasureJournalEntry.appeal_id)).all()
    assert len(left) == 3, "no backup brings them back"


def test_an_old_page_erases_nothing_that_counts_and_says_so(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox
) -> None:
    link = several(client, deliver, postbox)
    client.post(link)
    before = waiting()
    answer = client.post(link, data={"do": "erase"})
    assert answer.status_code == 409
    assert "Nothing was erased" in answer.text
    assert 'href="/en/new-link"' in answer.text
    assert waiting() == before == 2
    assert db.session.scalars(select(Signature.state)).all() == ["confirmed"]


@pytest.mark.parametrize("press", ["get", "post"])
def test_what_staff_took_out_is_not_called_taken_back(
    client: FlaskClient, appeals: None, deliver: Any, postbox: Postbox, press: str
) -> None:
    client.post(f"/en/appeals/{SLUGS[0]}/sign", data=form())
    deliver()
    link = postbox.link()
    client.post(link)
    db.session.execute(update(Signature).values(state="invalidated"))
    db.session.commit()
    answer = getattr(client, press)(link)
    assert answer.status_code == 410
    assert "have taken it out of the counts" in answer.text
    assert "sign again" not in answer.text
