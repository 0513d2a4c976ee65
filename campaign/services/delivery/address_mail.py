"""The addressing of a mail: whether it may still be sent, its recipient, and the data to render it from.

This is done while the mail's row is locked. The mail is rendered afterwards, with no transaction open (`compose.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import days_left
from campaign.domain.appeals.last_time_zone import last_zone
from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import LIMITED_KINDS, MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Appeal, Mail, Section, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.queries.signing.signature import last_consent
from campaign.services.outbox.answer import CoveredSignUp, FormReplies, FormReply, IneligibleError
from campaign.services.outbox.eligibility import check_sendable
from campaign.services.outbox.enqueue import content_of_mail
from campaign.services.outbox.mailed_person import MailedPerson, person_of_mail
from campaign.services.outbox.suppression import suppression_reason, suppression_reasons


@dataclass(frozen=True, slots=True)
class AddressedMail:
    """A mail about to be sent: its recipient, and the data to render it from.

    A mail to staff has a `context` instead of an appeal. The test of an announcement has an appeal, but no signature.
    """

    kind: str
    recipient: str
    message_id: str
    created_at: datetime
    locale: str
    name: str = ""
    signature_id: int | None = None
    appeal_id: int | None = None
    announcement_id: int | None = None
    text_language: str | None = None
    text_version: int | None = None
    days_left: int = 0
    reply_to: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    link_key: bytes = b""
    # For an answer to a form: the sign-ups that its link confirms, with the values that the link is bound to.
    sign_ups: tuple[CoveredSignUp, ...] = ()
    has_other_name: bool = False
    composed_at: datetime | None = None


_SIGNERS = (
    select(Signature, Appeal, Section.time_zone, Section.countries, Section.reply_to)
    .join(Appeal, Appeal.id == Signature.appeal_id)
    .join(Section, Section.code == Signature.section_code)
    .where(Signature.id.in_(bindparam("signatures", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class MailSigner:
    """The signer to whom a mail is sent. `recipient` and `name` are None if erased, or if they cannot be decrypted."""

    signature: Signature
    appeal: Appeal
    time_zone: str
    countries: Sequence[str]
    reply_to: str | None
    recipient: str | None
    name: str | None
    suppressed: str | None


def find_signers(session: Session, persons: Iterable[MailedPerson], vault: Vault) -> Mapping[int, MailSigner]:
    """Return the signers among the persons, by signature id, with the data to address mails. All are read together."""
    ids = [person.signature_id for person in persons if person.signature_id is not None]
    rows = session.execute(_SIGNERS, {"signatures": ids}).all() if ids else ()
    decrypted = {row[0].id: _decrypt(row[0], vault) for row in rows}
    digests = {
        signature_id: vault.suppression_digest(parse_address(recipient))
        for signature_id, (recipient, _) in decrypted.items()
        if recipient is not None
    }
    reasons = suppression_reasons(session, set(digests.values()))
    return {
        row[0].id: MailSigner(*row, *decrypted[row[0].id], suppressed=reasons.get(digests.get(row[0].id, b"")))
        for row in rows
    }


def _decrypt(signature: Signature, vault: Vault) -> tuple[str | None, str | None]:
    """Return address and name, or None twice: a value that cannot be decrypted must not stop the other mails."""
    if signature.name_sealed is None or signature.email_sealed is None:
        return None, None
    place = place_of(signature)
    try:
        return vault.open_email(signature.email_sealed, place), vault.open_name(signature.name_sealed, place)
    except CipherError:
        return None, None


def limited_recipients(
    mails: Iterable[tuple[Mail, MailedPerson]], signers_by_id: Mapping[int, MailSigner], vault: Vault
) -> list[Address]:
    """Return the recipients of those mails that count against a mailbox's limit, except answers to forms."""
    recipients: list[str | None] = []
    for mail, person in mails:
        if mail.kind == MailKind.ADDRESS and mail.recipient_sealed is not None:
            with suppress(CipherError):
                recipients.append(vault.open_email(mail.recipient_sealed, place_of(mail)))
        elif mail.kind in LIMITED_KINDS and (signer := signers_by_id.get(person.signature_id or 0)) is not None:
            recipients.append(signer.recipient)
    return [parse_address(recipient) for recipient in recipients if recipient is not None]


def address_mail(
    session: Session,
    mail: Mail,
    person: MailedPerson,
    signers_by_id: Mapping[int, MailSigner],
    answers: FormReplies,
    vault: Vault,
    now: datetime,
) -> AddressedMail:
    """Return the mail with its decrypted recipient.

    Raises IneligibleError where it must not be sent, PostponedError, CipherError.
    """
    if person.sign_up_id is not None:
        return _addressed_answer(mail, answers.answer(mail, person.sign_up_id), now)
    if person.signature_id is None:
        if mail.kind == MailKind.NEW_LINK:
            person_of_mail(mail, vault)  # raises CipherError where the context cannot be decrypted
            raise IneligibleError("there is nothing under the address")
        addressed = _addressed_to_staff(session, mail, vault)
        if mail.kind == MailKind.ADDRESS and addressed.context.get("url"):
            # The request to confirm a new address is limited; the notice to the old address is not.
            recipient = parse_address(addressed.recipient)
            answers.check_recipient(recipient)
            answers.count_mail(recipient, mail, is_requested=False)
        return addressed
    signer = signers_by_id.get(person.signature_id)
    if signer is None:
        raise IneligibleError("erased")
    signature, appeal = signer.signature, signer.appeal
    _check_not_suppressed(signer.suppressed)
    check_sendable(session, mail, signature, appeal)
    if signature.name_sealed is None or signature.email_sealed is None:
        raise IneligibleError("erased")
    if signer.recipient is None or signer.name is None:
        raise CipherError(f"name and address of signature {signature.id} do not open")
    if mail.kind in LIMITED_KINDS:
        answers.count_mail(parse_address(signer.recipient), mail, is_requested=True)
    zone = last_zone(signature.section_code, tuple(signer.countries), signer.time_zone, appeal.deadline)
    today = mail.created_at.astimezone(ZoneInfo(zone)).date()
    locale, language, version = mail.locale, mail.text_language, mail.text_version
    if mail.kind == MailKind.NEW_LINK:  # its row has neither language nor letter
        consent = last_consent(session, signature)
        locale, language, version = signature.locale, consent.text_language, consent.text_version
    return AddressedMail(
        kind=mail.kind,
        recipient=signer.recipient,
        name=signer.name,
        message_id=mail.message_id or "",
        created_at=mail.created_at,
        locale=locale,
        signature_id=signature.id,
        link_key=signature.link_key or b"",
        appeal_id=signature.appeal_id,
        announcement_id=mail.announcement_id,
        text_language=language,
        text_version=version,
        days_left=days_left(appeal.deadline, today) or 0,
        reply_to=signer.reply_to,
        context=content_of_mail(mail, signature, vault),
    )


def _addressed_answer(mail: Mail, reply: FormReply, now: datetime) -> AddressedMail:
    """Return the answer to a form, without what was typed there: its mailbox may never have confirmed."""
    sign_up, signature = reply.sign_up, reply.signature
    return AddressedMail(
        kind=reply.kind,
        recipient=reply.recipient,
        message_id=mail.message_id or "",
        created_at=mail.created_at,
        locale=sign_up.locale if mail.kind == MailKind.NEW_LINK else mail.locale,
        signature_id=None if signature is None else signature.id,
        link_key=b"" if signature is None else signature.link_key or b"",
        appeal_id=sign_up.appeal_id,
        text_language=sign_up.text_language,
        text_version=sign_up.text_version,
        sign_ups=reply.sign_ups,
        has_other_name=reply.has_other_name,
        reply_to=reply.reply_to,
        # A mail that was postponed counts as composed now.
        composed_at=now if mail.state == MailState.QUEUED and mail.due_at > mail.created_at else None,
    )


def _check_not_suppressed(reason: str | None) -> None:
    if reason is not None:
        raise IneligibleError(f"this address is suppressed: {reason}")


def _addressed_to_staff(session: Session, mail: Mail, vault: Vault) -> AddressedMail:
    """Return a mail whose recipient and values are stored with it. Raises IneligibleError, CipherError."""
    if mail.recipient_sealed is None or mail.context_sealed is None:
        raise IneligibleError("the recipient was cleared")
    recipient = vault.open_email(mail.recipient_sealed, place_of(mail))
    _check_not_suppressed(suppression_reason(session, parse_address(recipient), vault))
    context = json.loads(vault.open_context(mail.context_sealed, place_of(mail)))
    return AddressedMail(
        kind=mail.kind,
        recipient=recipient,
        name=context.get("name", ""),
        message_id=mail.message_id or "",
        created_at=mail.created_at,
        locale=mail.locale,
        appeal_id=int(context["appeal_id"]) if "appeal_id" in context else None,
        announcement_id=mail.announcement_id,
        text_language=mail.text_language,
        context=context,
    )
