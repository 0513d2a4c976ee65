"""Composing a mail that is owed: whether it is still wanted, whom it goes to, and what it says.

Delivering asks for the address under its lock, and renders with no transaction open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_mail import Message
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaign.config import Settings
from campaign.domain.appeal import AppealState
from campaign.domain.cipher import Vault
from campaign.domain.errors import StateError
from campaign.domain.outbox import CAPS, MailKind, MailState
from campaign.domain.signature import SignatureState
from campaign.domain.token import Purpose, Tokens
from campaign.mail import message
from campaign.models import Appeal, Mail, Signature
from campaign.queries.appeal import AppealView, find_appeal_by_id, find_text

# Which signature still wants which message; anything else has been overtaken.
_WANTED = {
    MailKind.CONFIRMATION.value: SignatureState.PENDING.value,
    MailKind.ALREADY_SIGNED.value: SignatureState.CONFIRMED.value,
}


class UnwantedError(StateError):
    """Nobody wants this mail any more; the message says why."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A mail about to be sent: who it goes to, and what to render it from."""

    kind: str
    recipient: str
    name: str
    message_id: str
    created_at: datetime
    locale: str
    appeal_id: int
    signature_id: int
    text_language: str
    text_version: int


def address(session: Session, mail: Mail, vault: Vault) -> Addressed:
    """Opens whom the mail goes to. Raises UnwantedError where it is not sent after all, CipherError."""
    signature, appeal_state = session.execute(
        select(Signature, Appeal.state).join(Appeal).where(Signature.id == mail.signature_id)
    ).one()
    _refuse_unwanted(session, mail, signature, appeal_state)
    if signature.name_sealed is None or signature.email_sealed is None:
        raise UnwantedError("erased")
    return Addressed(
        kind=mail.kind,
        recipient=vault.open_email(signature.email_sealed),
        name=vault.open_name(signature.name_sealed),
        message_id=mail.message_id,
        created_at=mail.created_at,
        locale=mail.locale,
        appeal_id=signature.appeal_id,
        signature_id=signature.id,
        text_language=mail.text_language,
        text_version=mail.text_version,
    )


def render(mail: Addressed, settings: Settings, tokens: Tokens, appeals: dict[int, AppealView | None]) -> Message:
    """The message. `appeals` keeps those of a batch, so that each is read once. Raises LookupError."""
    if mail.appeal_id not in appeals:
        appeals[mail.appeal_id] = find_appeal_by_id(mail.appeal_id)
    appeal = appeals[mail.appeal_id]
    text = find_text(mail.appeal_id, mail.text_language, mail.text_version)
    if appeal is None or text is None:
        raise LookupError("the appeal or its text is gone")
    envelope = message.Envelope(settings.mail_from, mail.recipient, mail.message_id, mail.created_at, mail.locale)
    signed = message.Signed(appeal, text, mail.name)
    site = f"{settings.base_url}/{mail.locale}"
    if mail.kind == MailKind.CONFIRMATION:
        token = tokens.make(Purpose.CONFIRM, mail.signature_id, mail.created_at)
        return message.confirmation(envelope, signed, confirm_url=f"{site}/s/{token}")
    token = tokens.make(Purpose.MANAGE, mail.signature_id, mail.created_at)
    return message.already_signed(envelope, signed, manage_url=f"{site}/m/{token}/me")


def _refuse_unwanted(session: Session, mail: Mail, signature: Signature, appeal_state: str) -> None:
    if signature.state != _WANTED[mail.kind]:
        raise UnwantedError(f"the signature is {signature.state}")
    if appeal_state == AppealState.STOPPED:
        raise UnwantedError("the appeal was stopped")
    # Counted here and not when signing: in the order of ids the answer is the same whoever else is signing.
    for window, most in CAPS:
        earlier = select(func.count()).where(
            Mail.mailbox_digest == mail.mailbox_digest,
            Mail.created_at > mail.created_at - window,
            Mail.id < mail.id,
            Mail.state != MailState.SUPPRESSED,
        )
        if session.execute(earlier).scalar_one() >= most:
            raise UnwantedError(f"this mailbox got {most} mails within {window / timedelta(hours=1):g} hours")
