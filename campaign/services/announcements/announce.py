"""Announcements: staff draft them, send a test to themselves, then send them to the signers who asked for news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.config import LOCALES
from campaign.domain.announcements.announcement import (
    RECALL_PERIOD,
    AnnouncementKind,
    AnnouncementState,
    check_text,
    edition,
)
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import Address
from campaign.domain.staff.actor import Actor
from campaign.models import Announcement, AnnouncementText, Appeal, Mail, Section
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import enqueue_to_address
from campaign.services.staff.audit import AuditRecord, append


@dataclass(frozen=True, slots=True)
class AnnouncementWording:
    """The text of an announcement in one language; the body is Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Audience:
    """The recipients: signers of one section (None: of all sections) who signed in one of `locales` (empty: in any).

    With `to_case`, the signers of the other appeals of the case get it too. With `is_rewording`, only signers of an
    earlier version of the letter get it; the mail says that the letter has changed, and how to withdraw the signature.
    """

    section_code: str | None = None
    locales: tuple[str, ...] = ()
    to_case: bool = False
    is_rewording: bool = False


def create_draft(
    appeal_id: int,
    kind: AnnouncementKind,
    audience: Audience,
    texts: Mapping[str, AnnouncementWording],
    *,
    context: Context,
) -> int:
    """Store a new announcement as a draft and return its id; no mail is enqueued.

    `choose_language` chooses the language for each signer. Raises InputError, NotFoundError (no such appeal),
    StateError (the appeal is a draft).
    """
    if kind is AnnouncementKind.DEADLINE_REMINDER:
        raise InputError("kind", "unknown", "reminders are sent automatically")
    _check_texts(audience, texts)
    with transaction() as session:
        state = session.scalar(select(Appeal.state).where(Appeal.id == appeal_id))
        if state is None:
            raise NotFoundError("there is no such appeal")
        if state == AppealState.DRAFT:
            raise StateError("the appeal is a draft")
        _check_section(session, audience, context.actor)
        row = Announcement(
            appeal_id=appeal_id,
            kind=kind.value,
            section_code=audience.section_code,
            locales=list(audience.locales),
            to_case=audience.to_case,
            is_rewording=audience.is_rewording,
            created_at=context.now,
        )
        _add_texts(row, texts)
        session.add(row)
        session.flush()
        _append_audit(session, "announcement.draft", row, context=context, after=_for_audit(row))
        return row.id


def revise(
    announcement_id: int,
    audience: Audience,
    texts: Mapping[str, AnnouncementWording],
    *,
    context: Context,
    expected: str,
) -> None:
    """Replace the texts and recipients of a draft; `expected` is the edition with which the form was opened.

    Raises InputError, NotFoundError, StateError (it is no longer a draft), ConflictError (it has another edition now).
    """
    _check_texts(audience, texts)
    with transaction() as session:
        row = _find_locked(session, announcement_id, AnnouncementState.DRAFT, context.actor)
        _check_section(session, audience, context.actor)
        _check_edition(row, expected)
        before = _for_audit(row)
        row.section_code = audience.section_code
        row.locales = list(audience.locales)
        row.to_case = audience.to_case
        row.is_rewording = audience.is_rewording
        row.texts.clear()
        session.flush()
        _add_texts(row, texts)
        session.flush()
        if _for_audit(row) != before:
            _append_audit(session, "announcement.revise", row, context=context, before=before, after=_for_audit(row))


def discard(announcement_id: int, *, context: Context) -> None:
    """Delete a draft, and its test mails that have not been sent.

    Raises NotFoundError, StateError (it is not a draft).
    """
    with transaction() as session:
        row = _find_locked(session, announcement_id, AnnouncementState.DRAFT, context.actor)
        _append_audit(session, "announcement.discard", row, context=context, before=_for_audit(row))
        session.execute(delete(Mail).where(Mail.announcement_id == row.id))
        session.delete(row)


def send_test(announcement_id: int, language: str, to: Address, *, context: Context, name: str) -> None:
    """Enqueue the announcement in that language to a member of staff, as a signer with that name would get it.

    Raises NotFoundError, InputError (`language`: it has no text in that language).
    """
    with transaction() as session:
        row = _find(session, announcement_id, context.actor)
        if language not in {text.language for text in row.texts}:
            raise InputError("language", "unknown", f"there is no text in {language}")
        enqueue_to_address(
            session.connection(),
            MailKind(row.kind),
            to,
            {"name": name, "appeal_id": str(row.appeal_id)},
            locale=language,
            context=context,
            announcement_id=row.id,
            text_language=language,
        )


def send(announcement_id: int, *, context: Context, expected: str) -> None:
    """Release a draft. After RECALL_PERIOD, workers enqueue it to one batch of signers after another.

    `expected` is the edition that the page showed. Raises NotFoundError, StateError (it is no longer a draft),
    ConflictError (it has another edition now).
    """
    with transaction() as session:
        row = _find_locked(session, announcement_id, AnnouncementState.DRAFT, context.actor)
        _check_edition(row, expected)
        row.state = AnnouncementState.SENDING
        row.started_at = context.now + RECALL_PERIOD
        _append_audit(session, "announcement.send", row, context=context, after=_for_audit(row))


def recall(announcement_id: int, *, context: Context) -> None:
    """Turn a released announcement back into a draft, before any mail is enqueued.

    Raises NotFoundError, StateError (RECALL_PERIOD is over, or it is not being sent).
    """
    with transaction() as session:
        row = _find_locked(session, announcement_id, AnnouncementState.SENDING, context.actor)
        # `after_id` is set if a worker whose clock is ahead has enqueued a batch already.
        if row.started_at is None or row.started_at <= context.now or row.after_id:
            raise StateError("it is too late to recall it: stop it")
        row.state = AnnouncementState.DRAFT
        row.started_at = None
        _append_audit(session, "announcement.recall", row, context=context)


def stop(announcement_id: int, *, context: Context) -> None:
    """Stop an announcement, so that its remaining mails are not sent. Repeating changes nothing.

    Raises NotFoundError, StateError (it is a draft).
    """
    with transaction() as session:
        row = _find(session, announcement_id, context.actor, lock=True)
        if row.state == AnnouncementState.DRAFT:
            raise StateError("the announcement is a draft: discard it")
        if row.state != AnnouncementState.STOPPED:
            row.state = AnnouncementState.STOPPED
            row.ended_at = context.now
            _append_audit(session, "announcement.stop", row, context=context)


def _find(session: Session, announcement_id: int, actor: Actor, *, lock: bool = False) -> Announcement:
    """Return the announcement, locked if `lock`. Raises NotFoundError.

    An announcement that the actor may not edit is not found: editors may write to the signers of their own section,
    coordinators to those of any section or of all.
    """
    row = session.get(
        Announcement, announcement_id, with_for_update=NO_KEY_UPDATE if lock else None, populate_existing=True
    )
    if row is None or not actor.may_edit_for(row.section_code):
        raise NotFoundError("there is no such announcement")
    return row


def _find_locked(session: Session, announcement_id: int, state: AnnouncementState, actor: Actor) -> Announcement:
    """Return the announcement, locked. Raises NotFoundError, StateError (it is in another state)."""
    row = _find(session, announcement_id, actor, lock=True)
    if row.state != state:
        raise StateError(f"the announcement is {row.state}")
    return row


def _check_edition(row: Announcement, expected: str) -> None:
    """Raise ConflictError, with the current content, if the announcement has another edition than `expected`."""
    texts = {text.language: (text.subject, text.body) for text in row.texts}
    options = {"to_case": row.to_case, "is_rewording": row.is_rewording}
    if edition(row.section_code, row.locales, texts, **options) != expected:
        raise ConflictError(_audience_for_audit(row) | {"texts": texts})


def _for_audit(row: Announcement) -> dict[str, object]:
    """Return the content for the audit log: the recipients, the subjects, and a digest of each body."""
    texts = {text.language: f"{text.subject} [{sha256(text.body.encode()).hexdigest()[:12]}]" for text in row.texts}
    return {"kind": row.kind, **_audience_for_audit(row), "texts": texts}


def _audience_for_audit(row: Announcement) -> dict[str, object]:
    """Return the recipients under the names of the audit log; `case` and `rewording` only if they are set."""
    case = {"case": True} if row.to_case else {}
    rewording = {"rewording": True} if row.is_rewording else {}
    return {"section": row.section_code, "locales": list(row.locales), **case, **rewording}


def _append_audit(
    session: Session,
    act: str,
    row: Announcement,
    *,
    context: Context,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    """Add the act to the audit log, with the announcement as its subject."""
    record = AuditRecord(act, f"announcement:{row.id}", row.section_code, before, after)
    append(session, record, context=context)


def _check_texts(audience: Audience, texts: Mapping[str, AnnouncementWording]) -> None:
    """Raise InputError if there is no text, a language is unknown, or a text is invalid."""
    if not texts:
        raise InputError("texts", "missing", "there is no text")
    for language in (*texts, *audience.locales):
        if language not in LOCALES:
            raise InputError("language", "unknown", f"{language} is not a language of the site")
    for wording in texts.values():
        check_text(wording.subject, wording.body)


def _check_section(session: Session, audience: Audience, actor: Actor) -> None:
    """Raise InputError (`section`) if the actor may not write to these signers, or the section is unknown."""
    if not actor.may_edit_for(audience.section_code):
        raise InputError("section", "not-yours", "only editors of that section may write to its signers")
    if audience.section_code is not None and session.get(Section, audience.section_code) is None:
        raise InputError("section", "unknown", f"there is no section {audience.section_code}")


def _add_texts(row: Announcement, texts: Mapping[str, AnnouncementWording]) -> None:
    row.texts.extend(
        AnnouncementText(language=language, subject=" ".join(wording.subject.split()), body=wording.body.strip())
        for language, wording in sorted(texts.items())
    )
