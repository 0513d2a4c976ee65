"""Mails that answered a form or a link request: after erasing, none refers to the erased person."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from campaign.domain.outbox.mail_kind import ANSWER_KINDS, MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.outbox.forget_answers import forget_answers
from campaign.services.outbox.mailed_person import MailedPerson, person_of_mail
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.erase import erase
from tests.conftest import DAY, START, Postbox, context, form

URL = "/en/appeals/ana-ruiz-vega/sign"
JEANNE, PAUL, NOBODY = "jeanne@mail.example", "paul@mail.example", "nobody@mail.example"


def erase_answers() -> int:
    done = purge_expired(may_continue=lambda: True, context=context(START + DAY / 12))
    db.session.rollback()
    return done["answers"]


def answers_with_recipients() -> list[tuple[str | None, MailedPerson]]:
    """Return the Message-ID of each answer, and the recipient that a thief with the data key can open."""
    chosen = select(Mail).where(Mail.kind.in_(ANSWER_KINDS)).order_by(Mail.id)
    found = [(mail.message_id, person_of_mail(mail, runtime().vault)) for mail in db.session.scalars(chosen)]
    db.session.rollback()
    return found


def message_ids_at(postbox: Postbox, address: str) -> set[str]:
    sent = zip(postbox.recipients, postbox.messages, strict=True)
    return {str(message["Message-ID"]) for recipient, message in sent if recipient == address}


def send_all_mails(client: FlaskClient, deliver: Any, postbox: Postbox) -> dict[str, int]:
    """Sign, confirm and request links as two people, and request links as a third; return the signatures by address."""
    signed = {}
    for address in (JEANNE, PAUL):
        client.post(URL, data=form(email=address))
        deliver()
        client.post(postbox.link())
        deliver()
        signed[address] = max(db.session.scalars(select(Signature.id)))
        db.session.rollback()
    for address in (JEANNE, PAUL, NOBODY):
        client.post("/en/new-link", data={"email": address})
        deliver()
    return signed


def test_no_mail_refers_to_an_erased_person(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    signed = send_all_mails(client, deliver, postbox)
    before = answers_with_recipients()
    gone = message_ids_at(postbox, JEANNE)
    stays = message_ids_at(postbox, PAUL)
    assert MailedPerson(signature_id=signed[JEANNE]) in [subject for _, subject in before]
    assert len(gone & {message_id for message_id, _ in before}) == 2
    assert erase_answers() == 0
    assert answers_with_recipients() == before
    erase(signed[JEANNE], context=context(actor=SUPPORTER))
    assert erase_answers() == 2
    after = answers_with_recipients()
    assert len(after) == len(before)
    assert not gone & {message_id for message_id, _ in after}
    forms = set(db.session.scalars(select(SignUp.id)))
    assert {subject for _, subject in after} == {
        MailedPerson(),
        MailedPerson(signature_id=signed[PAUL]),
        *(MailedPerson(sign_up_id=one) for one in forms),
    }
    assert len(stays & {message_id for message_id, _ in after}) == 2
    assert erase_answers() == 0


def test_erased_rows_look_as_if_no_form_had_been_sent(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    signed = send_all_mails(client, deliver, postbox)
    erase(signed[JEANNE], context=context(actor=SUPPORTER))
    erase_answers()
    drawn = {"id", "message_id", "context_sealed"}
    columns = [column for column in Mail.__table__.columns if column.name not in drawn]
    rows = db.session.execute(
        select(*columns, Mail.message_id, Mail.context_sealed).where(Mail.kind == MailKind.NEW_LINK)
    )
    looks = Counter((*row[: len(columns)], len(row.message_id or ""), len(row.context_sealed or b"")) for row in rows)
    assert list(looks.values()) == [6]


def test_a_refused_form_is_erased_too(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    client.post(postbox.link(), data={"do": "erase"})
    assert db.session.scalars(select(SignUp.id)).all() == []
    assert erase_answers() == 1
    assert [subject for _, subject in answers_with_recipients()] == [MailedPerson()]


def test_a_mail_that_waits_for_a_retry_stays(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    with transaction() as session:
        session.execute(delete(SignUp))
        session.execute(update(Mail).values(state=MailState.RETRY.value))
    before = answers_with_recipients()
    assert erase_answers() == 0
    assert answers_with_recipients() == before


def test_erasing_answers_stops_on_request(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    with transaction() as session:
        session.execute(delete(SignUp))
    assert forget_answers(since=START - DAY, may_continue=lambda: False, batch=1, context=context()) == 0
    assert forget_answers(since=START - DAY, may_continue=lambda: True, batch=1, context=context()) == 1
