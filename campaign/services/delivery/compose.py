"""The composition of an owed mail: whether it is still sent, its recipient, and its contents.

Delivery addresses a mail while it holds the row's lock, and renders it with no transaction open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_mail import Message
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.config import Settings
from campaign.domain.appeals.appeal import days_left
from campaign.domain.appeals.last_time_zone import last_zone
from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import ADDRESSED, CAPPED, PERSONAL, MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.token import Purpose, Tokens, shown_mark
from campaign.letter.plain_text import signer_name
from campaign.mail.messages import messages
from campaign.mail.messages.envelope import Envelope
from campaign.mail.messages.mail_merge import PLACEHOLDERS, MailMerge
from campaign.models import Appeal, Mail, Section, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.database.any_of_ids import any_of_ids
from campaign.queries.announcements.announcement import AnnouncedView, find_announced
from campaign.queries.appeals.appeal import AppealView, TextView, find_appeal_by_id, find_text
from campaign.queries.signing.signature import last_consent
from campaign.services.outbox.answer import CoveredSignUp, FormReplies, FormReply, IneligibleError
from campaign.services.outbox.eligibility import check_sendable
from campaign.services.outbox.enqueue import own_content
from campaign.services.outbox.subject import MailedPerson, subject_of
from campaign.services.outbox.suppression import suppression_reason, suppression_reasons


@dataclass(frozen=True, slots=True)
class AddressedMail:
    """A mail about to be sent: its recipient, and the data to render it from.

    A mail to staff has its `context` instead of an appeal; a test of an announcement has an appeal and no signature.
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
    # Of an answer to a form: the sign-ups that its link confirms, with the values that the link is bound to.
    covered: tuple[CoveredSignUp, ...] = ()
    is_other: bool = False
    composed_at: datetime | None = None


_SIGNER = (
    select(Signature, Appeal, Section.time_zone, Section.countries, Section.reply_to)
    .join(Appeal, Appeal.id == Signature.appeal_id)
    .join(Section, Section.code == Signature.section_code)
    .where(any_of_ids(Signature.id, "signatures"))
)


class RenderCache:
    """A short-lived cache of the appeals, texts and renderings of many mails, so that each is read and made once."""

    def __init__(self) -> None:
        self._appeals: dict[int, AppealView | None] = {}
        self._texts: dict[tuple[int, str, int], TextView | None] = {}
        self._announced: dict[tuple[int, str], AnnouncedView | None] = {}
        self._merges: dict[tuple[object, ...], MailMerge] = {}

    def appeal(self, appeal_id: int) -> AppealView | None:
        """Return the appeal as it was at the first call; None where there is none."""
        if appeal_id not in self._appeals:
            self._appeals[appeal_id] = find_appeal_by_id(appeal_id)
        return self._appeals[appeal_id]

    def text(self, appeal_id: int, language: str, version: int) -> TextView | None:
        """Return an appeal text in the version that was signed; None where there is none."""
        key = appeal_id, language, version
        if key not in self._texts:
            self._texts[key] = find_text(*key)
        return self._texts[key]

    def announced(self, mail: AddressedMail) -> AnnouncedView | None:
        """Return the words of the announcement that the mail brings; None where it has none."""
        if mail.announcement_id is None:
            return None
        key = mail.announcement_id, mail.text_language or ""
        if key not in self._announced:
            self._announced[key] = find_announced(*key)
        return self._announced[key]

    def page(self, mail: AddressedMail, base_url: str) -> str:
        """Return the URL of the page that the mail leads to; an announcement leads to the appeal that it is about."""
        announced = self.announced(mail)
        appeal = self.appeal((mail.appeal_id or 0) if announced is None else announced.appeal_id)
        return f"{base_url}/{mail.locale}/appeals/{appeal.slug if appeal is not None else ''}"

    def merge(self, mail: AddressedMail, render: Callable[[], Message]) -> MailMerge:
        """Return the rendering that is shared by all mails that differ only in the signer."""
        key = (
            mail.kind,
            mail.locale,
            mail.appeal_id,
            mail.announcement_id,
            mail.text_language,
            mail.text_version,
            mail.is_other,
            mail.days_left if mail.kind == MailKind.DEADLINE_REMINDER else 0,
        )
        if key not in self._merges:
            self._merges[key] = MailMerge(render())
        return self._merges[key]


@dataclass(frozen=True, slots=True)
class MailSigner:
    """The signer that a mail goes to; `recipient` and `name` are None where they are erased or cannot be decrypted."""

    signature: Signature
    appeal: Appeal
    time_zone: str
    countries: Sequence[str]
    reply_to: str | None
    recipient: str | None
    name: str | None
    suppressed: str | None


def signers(session: Session, subjects: Iterable[MailedPerson], vault: Vault) -> Mapping[int, MailSigner]:
    """Return the signers that the subjects name, by signature id, with the data to address mails; read at once."""
    ids = [subject.signature_id for subject in subjects if subject.signature_id is not None]
    rows = session.execute(_SIGNER, {"signatures": ids}).all() if ids else ()
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
    """Return address and name, or None twice: one that cannot be decrypted must not prevent the sending of others."""
    if signature.name_sealed is None or signature.email_sealed is None:
        return None, None
    place = place_of(signature)
    try:
        return vault.open_email(signature.email_sealed, place), vault.open_name(signature.name_sealed, place)
    except CipherError:
        return None, None


def limited(mails: Iterable[tuple[Mail, MailedPerson]], known: Mapping[int, MailSigner], vault: Vault) -> list[Address]:
    """Return the recipients of the mails whose number per mailbox is limited, without answers to forms."""
    recipients: list[str | None] = []
    for mail, subject in mails:
        if mail.kind == MailKind.ADDRESS and mail.recipient_sealed is not None:
            with suppress(CipherError):
                recipients.append(vault.open_email(mail.recipient_sealed, place_of(mail)))
        elif mail.kind in CAPPED and (signer := known.get(subject.signature_id or 0)) is not None:
            recipients.append(signer.recipient)
    return [parse_address(recipient) for recipient in recipients if recipient is not None]


def address(
    session: Session,
    mail: Mail,
    subject: MailedPerson,
    known: Mapping[int, MailSigner],
    answers: FormReplies,
    vault: Vault,
    now: datetime,
) -> AddressedMail:
    """Return the mail with its decrypted recipient.

    Raises IneligibleError where it is not to be sent after all, PostponedError, CipherError.
    """
    if subject.sign_up_id is not None:
        return _answer(mail, answers.answer(mail, subject.sign_up_id), now)
    if subject.signature_id is None:
        if mail.kind == MailKind.NEW_LINK:
            subject_of(mail, vault)  # raises where the context cannot be decrypted; otherwise it names no person
            raise IneligibleError("there is nothing under the address")
        addressed = _to_staff(session, mail, vault)
        if mail.kind == MailKind.ADDRESS and addressed.context.get("url"):
            # It asks for a confirmation, and is limited; the notice to the old address is not.
            recipient = parse_address(addressed.recipient)
            answers.refuse_addressee(recipient)
            answers.room(recipient, mail, is_asked=False)
        return addressed
    signer = known.get(subject.signature_id)
    if signer is None:
        raise IneligibleError("erased")
    signature, appeal = signer.signature, signer.appeal
    _refuse_suppressed(signer.suppressed)
    check_sendable(session, mail, signature, appeal)
    if signature.name_sealed is None or signature.email_sealed is None:
        raise IneligibleError("erased")
    if signer.recipient is None or signer.name is None:
        raise CipherError(f"name and address of signature {signature.id} do not open")
    if mail.kind in CAPPED:
        answers.room(parse_address(signer.recipient), mail, is_asked=True)
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
        context=own_content(mail, signature, vault),
    )


def _answer(mail: Mail, reply: FormReply, now: datetime) -> AddressedMail:
    """Return the answer to a form. Its mailbox may never have confirmed, so nothing that was typed is in the mail."""
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
        covered=reply.covered,
        is_other=reply.is_other,
        reply_to=reply.reply_to,
        # A mail that was postponed counts as composed now.
        composed_at=now if mail.state == MailState.QUEUED and mail.due_at > mail.created_at else None,
    )


def render(mail: AddressedMail, settings: Settings, tokens: Tokens, cache: RenderCache) -> Message:
    """Return the message, rendered with the appeals and texts of the cache. Raises LookupError where they are gone."""
    fixed = mail.message_id, mail.created_at, mail.locale
    envelope = Envelope(settings.mail_from, mail.recipient, *fixed, reply_to=mail.reply_to)
    if mail.kind in ADDRESSED:
        return messages.to_address(MailKind(mail.kind), envelope, mail.context)
    appeal, text = _appeal(mail, cache)
    page = cache.page(mail, settings.base_url)
    if mail.covered:
        return _render_answer(mail, envelope, messages.SignedAppeal(appeal, text, ""), page, settings, tokens, cache)
    if mail.signature_id is None:
        links = messages.MailLinks(page, page, page, page, None)
        return _render_to_signer(mail, envelope, messages.SignedAppeal(appeal, text, mail.name), links, cache)
    if mail.kind in PERSONAL:
        links = messages.MailLinks(page, **_links(_LINKS, mail, settings, tokens))
        return _render_to_signer(mail, envelope, messages.SignedAppeal(appeal, text, mail.name), links, cache)
    signed = messages.SignedAppeal(appeal, text, PLACEHOLDERS["name"], PLACEHOLDERS["letter_name"])
    links = messages.MailLinks(page, **{name: PLACEHOLDERS[name] for name in _LINKS})
    merge = cache.merge(mail, lambda: _render_to_signer(mail, envelope, signed, links, cache))
    names = {"name": mail.name, "letter_name": signer_name(appeal, mail.name) or ""}
    return merge.fill(envelope, names | _links(merge.wants, mail, settings, tokens))


def _render_answer(
    mail: AddressedMail,
    envelope: Envelope,
    signed: messages.SignedAppeal,
    page: str,
    settings: Settings,
    tokens: Tokens,
    cache: RenderCache,
) -> Message:
    kind = MailKind(mail.kind)
    others = [cache.appeal(sign_up.appeal_id) for sign_up in mail.covered[1:]]
    if any(others):
        texts = [appeal.text_in(mail.locale) for appeal in others if appeal is not None]
        links = messages.MailLinks(page, **_links(_LINKS, mail, settings, tokens))
        return messages.to_signer(kind, envelope, signed, links, messages.MessageDetails(others=texts))
    needs_no_confirmation = mail.kind == MailKind.ALREADY_SIGNED and not mail.is_other
    links = messages.MailLinks(
        page, **{name: "" if needs_no_confirmation and name == "confirm" else PLACEHOLDERS[name] for name in _LINKS}
    )
    merge = cache.merge(mail, lambda: messages.to_signer(kind, envelope, signed, links))
    return merge.fill(envelope, _links(merge.wants, mail, settings, tokens))


def _render_to_signer(
    mail: AddressedMail,
    envelope: Envelope,
    signed: messages.SignedAppeal,
    links: messages.MailLinks,
    cache: RenderCache,
) -> Message:
    announced = cache.announced(mail)
    words = None
    if announced is not None:
        words = messages.AnnouncedText(announced.language, announced.subject, announced.body, announced.is_rewording)
    # A rendering that mails of several signers share contains nothing of one signer's.
    personal = mail.context if mail.kind in PERSONAL else {}
    details = messages.MessageDetails(announced=words, days_left=mail.days_left, context=personal)
    return messages.to_signer(MailKind(mail.kind), envelope, signed, links, details)


# The purpose of each link of a signer, and its path.
_LINKS = {
    "confirm": (Purpose.CONFIRM, "s/{}"),
    "act": (Purpose.MANAGE, "m/{}/act"),
    "me": (Purpose.MANAGE, "m/{}/me"),
    "unsubscribe": (Purpose.UNSUBSCRIBE, "u/{}"),
}


def _refuse_suppressed(reason: str | None) -> None:
    if reason is not None:
        raise IneligibleError(f"this address is suppressed: {reason}")


def _to_staff(session: Session, mail: Mail, vault: Vault) -> AddressedMail:
    if mail.recipient_sealed is None or mail.context_sealed is None:
        raise IneligibleError("the recipient was cleared")
    recipient = vault.open_email(mail.recipient_sealed, place_of(mail))
    _refuse_suppressed(suppression_reason(session, parse_address(recipient), vault))
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


def _appeal(mail: AddressedMail, cache: RenderCache) -> tuple[AppealView, TextView]:
    """Return the appeal with the text that was signed; an announcement names no version and uses the current one.

    Raises LookupError.
    """
    if mail.appeal_id is None:
        raise LookupError("the mail belongs to no appeal")
    appeal = cache.appeal(mail.appeal_id)
    text = None
    if appeal is not None and mail.text_version is None:
        text = appeal.text_in(mail.locale)
    elif mail.text_language is not None and mail.text_version is not None:
        text = cache.text(mail.appeal_id, mail.text_language, mail.text_version)
    if appeal is None or text is None:
        raise LookupError("the appeal or its text is gone")
    return appeal, text


def _links(names: Iterable[str], mail: AddressedMail, settings: Settings, tokens: Tokens) -> dict[str, str]:
    """Return the signer's own links with those names; an unconfirmed sign-up has only the one to confirm it."""
    chosen = {name: _LINKS[name] for name in names if name in _LINKS}
    made = {purpose: _token(purpose, mail, tokens) for purpose in {purpose for purpose, _ in chosen.values()}}
    site = f"{settings.base_url}/{mail.locale}"
    return {
        name: f"{site}/{path.format(made[purpose])}" if made[purpose] else ""
        for name, (purpose, path) in chosen.items()
    }


def _token(purpose: Purpose, mail: AddressedMail, tokens: Tokens) -> str:
    if purpose is Purpose.CONFIRM:
        if not mail.covered:
            return ""
        own, *others = mail.covered
        marks = b"".join(shown_mark(other.sign_up_id, other.content_digest) for other in others)
        made_at = mail.composed_at or mail.created_at
        return tokens.make(purpose, own.sign_up_id, made_at, own.link_key, own.content_digest, marks)
    if mail.signature_id is None:
        if not mail.covered:
            raise LookupError("the mail belongs to no signer")
        return ""
    return tokens.make(purpose, mail.signature_id, mail.created_at, mail.link_key)
