"""The rows that enqueueing a mail stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Mail, Signature
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.outbox.enqueue import NewMail, content_of_mail, enqueue_to_signer, mail_columns
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import START, confirm_newest, context

OWED_MAIL = NewMail(MailKind.CONFIRMATION, 7, b"d" * 32, "fr", "en", 3, announcement_id=9)


def columns_of(owed: NewMail) -> dict[str, Any]:
    made = mail_columns(owed, now=START, domain="act.example")
    message_id = str(made.pop("message_id"))
    assert message_id.startswith("<")
    assert message_id.endswith("@act.example>")
    assert len(message_id) == len("<@act.example>") + 32
    return made


def test_a_row_holds_the_values_that_sending_needs() -> None:
    assert columns_of(OWED_MAIL) == {
        "kind": "confirmation", "state": "queued", "phase": None, "detail": None, "signature_id": 7,
        "sign_up_id": None, "domain_digest": b"d" * 32, "locale": "fr", "text_language": "en",
        "text_version": 3, "announcement_id": 9, "created_at": START, "due_at": START - timedelta(days=1),
        "attempts": 0, "ambiguous": 0, "fence": 0,
    }  # fmt: skip


def test_an_ineligible_mail_is_never_sent_and_holds_the_reason() -> None:
    made = columns_of(NewMail(MailKind.CONFIRMATION, 7, b"d" * 32, "fr", "en", 3, ineligible_reason="flagged"))
    assert (made["state"], made["phase"], made["detail"]) == ("suppressed", "before", "flagged")


def test_campaign_mail_is_due_after_answers() -> None:
    assert columns_of(NewMail(MailKind.OUTCOME, 7, b"d" * 32, "fr", "en", None))["due_at"] == START


def test_a_mail_to_a_signer_is_about_the_signed_version(app: Flask, appeal: AppealView) -> None:
    app_runtime, to = runtime(), parse_address("jeanne@mail.example")
    sign(SignUpRequest(appeal.id, "fr", "FR", "Jeanne", to, "fr", "en", 1, None), context=context(actor=SUPPORTER))
    confirm_newest(START)
    with transaction() as session:
        signature = session.scalars(select(Signature)).one()
        for said in ({"words": "Mine."}, None):
            enqueue_to_signer(session, MailKind.OWN_LETTER, signature, content=said, context=context())
    first, second = db.session.scalars(select(Mail).where(Mail.kind == "own_letter").order_by(Mail.id))
    for mail in (first, second):
        assert (mail.signature_id, mail.locale, mail.text_language, mail.text_version) == (signature.id, "fr", "en", 1)
        assert mail.domain_digest == app_runtime.vault.domain_digest(to)
        assert (mail.message_id or "").endswith(f"@{context().mail_domain}>")
    assert first.context_sealed is not None
    assert content_of_mail(first, signature, app_runtime.vault) == {"words": "Mine."}
    assert second.context_sealed is None


def test_an_erased_signer_gets_no_mail(app: Flask, appeal: AppealView) -> None:
    sign(
        SignUpRequest(appeal.id, "fr", "FR", "Jeanne", parse_address("jeanne@mail.example"), "fr", "en", 1, None),
        context=context(actor=SUPPORTER),
    )
    confirm_newest(START)
    with transaction() as session:
        signature = session.scalars(select(Signature)).one()
        signature.email_sealed = None
        enqueue_to_signer(session, MailKind.NEW_LINK, signature, context=context())
    assert db.session.query(Mail).filter_by(kind="new_link").count() == 0
