"""Attacks: a stranger who signs with another person's address, and an old link whose row got another id."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update

from campaign.document import parse_text
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.models import ClockOffset, Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.verify import verify_counts
from tests.conftest import DOCUMENT, Postbox, clear_caches, context, form, text_of

URL = "/en/appeals/ana-ruiz-vega/sign"


def stored_signatures() -> list[tuple[str, bool]]:
    db.session.rollback()
    rows = db.session.execute(select(Signature.country, Signature.shares_name).order_by(Signature.id))
    return [(row.country, row.shares_name) for row in rows]


def move_clock(hours: int) -> None:
    """Move the database's clock, by which mail becomes due."""
    with transaction() as session:
        offset = session.scalar(select(func.coalesce(func.sum(ClockOffset.seconds), 0))) or 0
        session.execute(delete(ClockOffset))
        session.execute(insert(ClockOffset).values(id=1, seconds=offset + hours * 3600))


def publish_appeals(app: Flask, number: int) -> list[str]:
    """Publish that many further appeals; return their slugs."""
    slugs = []
    for index in range(number):
        slugs.append(import_draft(parse_text(DOCUMENT), ImportOptions(slug=f"case-{index}"), context=context()).slug)
        publish(slugs[-1], context=context())
    clear_caches(app)
    return slugs


def test_a_link_confirms_only_the_form_that_its_mail_answered(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    client.post(URL, data=form(name="Mallory", country="RU", updates="y", share_name="y"))
    shown = client.post(postbox.link())
    assert shown.status_code == 409
    assert "Mallory" in shown.text, "the page shows the newer form, and asks again"
    assert stored_signatures() == []
    # A form that arrives between opening the page and pressing the button is not confirmed either.
    page = client.get(postbox.link()).text
    fields = {"appeal": "ana-ruiz-vega", "shown": page.split('name="shown" value="')[1].split('"')[0]}
    client.post(URL, data=form(name="Mallory Again", country="RU"))
    assert client.post(postbox.link(), data=fields).status_code == 409
    assert stored_signatures() == []
    client.post(URL, data=form())
    assert client.post(postbox.link()).status_code == 303, "the form that the mail answered waits again"
    assert stored_signatures() == [("FR", False)]
    assert verify_counts() == []


def test_other_appeals_on_the_page_are_confirmed_only_as_they_were_mailed(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    slugs = publish_appeals(app, 2)
    for slug in ("ana-ruiz-vega", *slugs):
        client.post(f"/en/appeals/{slug}/sign", data=form())
        deliver()
    client.post(f"/en/appeals/{slugs[0]}/sign", data=form(name="Mallory", country="RU"))
    assert client.post(postbox.link(), data={"appeal": ["ana-ruiz-vega", *slugs]}).status_code == 409
    assert stored_signatures() == []
    assert client.post(postbox.link(), data={"appeal": ["ana-ruiz-vega", slugs[1]]}).status_code == 303
    assert stored_signatures() == [("FR", False)] * 2


def test_an_old_link_does_not_open_the_row_that_got_its_id_after_a_restore(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    confirm, sign_up_id = postbox.link(), db.session.scalars(select(SignUp.id)).one()
    me = client.post(confirm).location.replace("/act", "/me")
    signature_id = db.session.scalars(select(Signature.id)).one()
    # The database is restored from an earlier backup, so ids are assigned again.
    db.session.execute(delete(SignUp))
    db.session.execute(delete(Mail))
    db.session.execute(update(Signature).values(link_key=b"k" * 16, country="DE"))
    db.session.commit()
    client.post(URL, data=form(email="victim@mail.example", name="Victim"))
    db.session.execute(update(Mail).values(sign_up_id=None))
    db.session.execute(update(SignUp).values(id=sign_up_id))
    db.session.commit()
    for page in (client.get(confirm), client.post(confirm), client.post(confirm, data={"do": "erase"})):
        assert page.status_code == 410
        assert "Victim" not in page.text
    assert "Jeanne" not in client.get(me).text
    client.post(me, data={"signature": "all", "do": "erase"})
    assert client.get(me.replace("/me", "/act")).status_code == 410
    db.session.rollback()
    assert db.session.get_one(Signature, signature_id).name_sealed is not None
    assert db.session.scalars(select(SignUp.signature_id)).all() == [None]


def test_thirty_appeals_are_confirmed_by_one_mail(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    slugs = ["ana-ruiz-vega", *publish_appeals(app, 29)]
    for slug in slugs:
        client.post(f"/en/appeals/{slug}/sign", data=form())
        deliver()
    assert len(postbox.messages) == 3
    page = client.get(postbox.link()).text
    assert [page.count(f'name="appeal" value="{slug}" checked') for slug in slugs] == [1] * 30
    assert client.post(postbox.link(), data={"appeal": slugs}).status_code == 303
    assert len(stored_signatures()) == 30
    # After a confirmation, each further form of the day gets its own mail.
    postbox.messages.clear()
    further_slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="more"), context=context()).slug
    publish(further_slug, context=context())
    clear_caches(app)
    client.post(f"/en/appeals/{further_slug}/sign", data=form())
    deliver()
    assert any("/s/" in text_of(message) for message in postbox.messages)
    assert verify_counts() == []


def test_forms_after_the_last_mail_of_a_day_are_mailed_the_next_day(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    slugs = ["ana-ruiz-vega", *publish_appeals(app, 29)]
    for slug in slugs:
        client.post(f"/en/appeals/{slug}/sign", data=form())
        deliver()
    for hours in (1, 22):
        move_clock(hours)
        deliver()
        assert len(postbox.messages) == 3, "not before a day has passed"
    move_clock(2)
    deliver()
    assert len(postbox.messages) == 4, "one mail for all waiting forms"
    page = client.get(postbox.link()).text
    assert [page.count(f'name="appeal" value="{slug}" checked') for slug in slugs] == [1] * 30
    assert client.post(postbox.link(), data={"appeal": slugs}).status_code == 303
    assert len(stored_signatures()) == 30
    assert counts(appeal.id).signatures == 1
    assert verify_counts() == []


def test_forms_sent_at_once_are_confirmed_together_also_by_a_new_link(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    slugs = ["ana-ruiz-vega", *publish_appeals(app, 9)]
    for slug in slugs:
        client.post(f"/en/appeals/{slug}/sign", data=form())
    deliver()
    assert len(postbox.messages) == 3
    assert [text_of(message).count("/s/") for message in postbox.messages] == [1, 1, 1]
    for _ in range(5):
        client.post("/en/new-link", data={"email": "jeanne@mail.example"})
        deliver()
    assert len(postbox.messages) == 6, "requested links have their own limit"
    assert client.post(postbox.link(), data={"appeal": slugs}).status_code == 303
    assert len(stored_signatures()) == 10


def test_the_same_form_again_within_minutes_gets_no_further_mail(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for _ in range(4):
        client.post(URL, data=form())
        deliver()
    assert len(postbox.messages) == 1
    assert client.post(postbox.link()).status_code == 303


@pytest.mark.parametrize(
    "answer",
    [DeliveryAttempt(DeliveryOutcome.SENT, "dot", 250), DeliveryAttempt(DeliveryOutcome.MAILBOX_REFUSED, "rcpt", 550)],
)
def test_other_spellings_and_refused_mail_do_not_block_the_owner(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, answer: DeliveryAttempt
) -> None:
    postbox.answers = [answer] * 3
    for number in range(9):
        client.post(URL, data=form(email=f"jea.nne+{number}@mail.example"))
        deliver()
    postbox.answers.clear()
    earlier_mails = len(postbox.messages)
    client.post(URL, data=form())
    deliver()
    assert postbox.recipients[earlier_mails:] == ["jeanne@mail.example"]
    assert client.post(postbox.link()).status_code == 303


@pytest.mark.parametrize(
    ("owner", "tagged"),
    [
        ("anna.schmidt@firma.example", "anna.schmidt+{}@firma.example"),
        ("anna.schmidt@outlook.com", "annaschmidt+{}@outlook.com"),
        ("anna.schmidt@web.de", "anna.schmidt+{}@web.de"),
        ("o.de.la.cruz@firma.example", "odelacruz+{}@firma.example"),
    ],
)
def test_tagged_spellings_do_not_block_an_owner_with_dots(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, owner: str, tagged: str
) -> None:
    for number in range(9):
        client.post(URL, data=form(email=tagged.format(number)))
        deliver()
    earlier_mails = len(postbox.messages)
    client.post(URL, data=form(email=owner))
    deliver()
    assert postbox.recipients[earlier_mails:] == [owner]
    assert earlier_mails <= 3, "the owner of the mailbox is not flooded"


def test_many_waiting_spellings_do_not_block_the_owner(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for number in range(40):
        client.post(URL, data=form(email=f"anna.schmidt+{number}@firma.example"))
    deliver()
    client.post(URL, data=form(email="anna.schmidt@firma.example"))
    deliver()
    assert postbox.recipients[2:] == ["anna.schmidt@firma.example"]


def test_hosts_of_one_customer_share_the_limit_of_the_mailbox(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for number in range(10):
        client.post(URL, data=form(email=f"x{number}@h{number % 2}.jeanne-m.fastmail.com"))
        client.post(URL, data=form(email=f"jeanne_m+{number}@fastmail.com"))
        deliver()
    assert len(postbox.messages) <= 3


def test_two_people_with_one_mailbox_can_both_sign(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for name in ("Jeanne Martin", "Paul Martin"):
        client.post(URL, data=form(name=name))
        deliver()
        assert name not in postbox.messages[-1].as_string()
        assert client.post(postbox.link()).status_code == 303
        deliver()
    assert len(stored_signatures()) == 2
    assert counts(appeal.id).signatures == 2
    db.session.rollback()
    client.post(URL, data=form(name="Paul Martin"))
    deliver()
    assert client.post(postbox.link()).status_code == 303
    assert len(stored_signatures()) == 2
    assert verify_counts() == []
