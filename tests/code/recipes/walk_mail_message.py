"""The message of docs/developing/add-a-mail-message.md is sent, previewed, listed and refused as the registry says."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.config import LOCALES
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.staff.roles import Role
from campaign.mail.messages import samples
from campaign.models import Mail, Signature
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.lifecycle import stop
from campaign.services.outbox.enqueue import enqueue_to_signer
from tests.code.test_words import extracted_messages
from tests.conftest import START, Postbox, confirm_newest, context, form, text_of
from tests.mail.test_messages import test_each_message_renders_in_each_language as renders
from tests.staff.staff_clients import staff_client

NAME = "year_after"


@pytest.fixture
def enqueued_id(client: FlaskClient, appeal: AppealView) -> int:
    """Enqueue the message for a confirmed signer; return the mail's id."""
    client.post("/fr/appeals/ana-ruiz-vega/sign", data=form())
    db.session.rollback()
    signature_id = confirm_newest(START)
    with transaction() as session:
        session.execute(update(Mail).values(state="sent"))
        signature = session.get_one(Signature, signature_id)
        enqueue_to_signer(session, MailKind(NAME), signature, context=context())
    return db.session.scalars(select(Mail.id).where(Mail.kind == NAME)).one()


def state(mail_id: int) -> tuple[str, str | None]:
    db.session.rollback()
    mail = db.session.get_one(Mail, mail_id)
    return mail.state, mail.detail


def test_it_is_delivered(enqueued_id: int, deliver: Any, postbox: Postbox) -> None:
    deliver()
    (mail,) = postbox.messages
    assert mail["Subject"] == "A year ago you signed: TEACHER THREATENED FOR TEACHING"
    text = text_of(mail)
    assert text.startswith("Jeanne Martin,\n\na year ago you signed this appeal:")
    assert "/fr/appeals/ana-ruiz-vega" in text
    assert "/me" in text
    assert mail["List-Unsubscribe"] is None, "an answer to its reader has no such header"
    assert state(enqueued_id) == ("sent", None)


def test_it_is_not_sent_after_the_appeal_was_stopped(enqueued_id: int, deliver: Any, postbox: Postbox) -> None:
    stop("ana-ruiz-vega", context=context())
    deliver()
    assert postbox.messages == []
    assert state(enqueued_id) == ("suppressed", "the appeal was stopped")


@pytest.mark.parametrize("locale", LOCALES)
def test_it_renders_in_each_language(app: Flask, locale: str) -> None:
    renders(app, NAME, locale)


def test_the_command_lists_and_shows_it(app: Flask) -> None:
    run = app.test_cli_runner()
    assert NAME in run.invoke(args=["mail", "preview"]).output.split()
    assert "A year ago you signed" in run.invoke(args=["mail", "preview", NAME]).output
    assert NAME in run.invoke(args=["mail", "retry", "--help"]).output


def test_staff_see_it_listed_previewed_and_counted(app: Flask, enqueued_id: int) -> None:
    assert NAME in samples.message_names()
    browser = staff_client(app, Role.COORDINATOR)
    assert "A year after signing" in browser.get("/staff/messages").text
    assert "A year ago you signed" in browser.get(f"/staff/messages/{NAME}?lang=en").text
    with transaction() as session:
        session.execute(update(Mail).where(Mail.id == enqueued_id).values(state="dead", phase="rcpt", code=550))
    assert "A year after signing" in browser.get("/staff/outbox").text
    signature = db.session.scalars(select(Signature.id)).one()
    db.session.rollback()
    mails = browser.get(f"/staff/moderation/signatures/{signature}/mails").text
    assert "A year after signing" in mails


def test_its_texts_are_translatable() -> None:
    rules = MailKind(NAME).rules
    assert {rules.name, rules.subject, "a year ago you signed this appeal:"} <= extracted_messages()
