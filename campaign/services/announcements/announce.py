"""Announcements: staff write, look, send a test to themselves, then let it go out to those who asked to hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.config import LOCALES
from campaign.domain.announcements.announcement import RECALL, AnnouncementKind, AnnouncementState, check_text, edition
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import Address
from campaign.domain.staff.actor import Actor
from campaign.models import Announcement, AnnouncementText, Appeal, Mail, Section
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import owe_staff
from campaign.services.staff.audit import AuditRecord, append


@dataclass(frozen=True, slots=True)
class AnnouncementWording:
    """What staff wrote in one language; the body is Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom: the signers of one section or (None) of all, who signed in one of these languages or (empty) any.

    `to_case`: also those who signed the other appeals of the case. `is_rewording`: only those who signed earlier
    words of the letter, who are told so and how to take their signature back.
    """

    section_code: str | None = None
    locales: tuple[str, ...] = ()
    to_case: bool = False
    is_rewording: bool = False


def draft(
    appeal_id: int, kind: AnnouncementKind, to: Audience, texts: Mapping[str, AnnouncementWording], *, context: Context
) -> int:
    """Keeps a new announcement and returns its id; nothing goes out yet. Raises InputError, NotFoundError, StateError.

    Each signer gets it in the language of their signature, else in English, else in the first there is.
    """
    if kind is AnnouncementKind.DEADLINE_REMINDER:
        raise InputError("kind", "unknown", "reminders go out by themselves")
    _check(to, texts)
    with transaction() as session:
        state = session.scalar(select(Appeal.state).where(Appeal.id == appeal_id))
        if state is None:
            raise NotFoundError("there is no such appeal")
        if state == AppealState.DRAFT:
            raise StateError("nobody has signed this appeal yet")
        _check_section(session, to, context.actor)
        row = Announcement(
            appeal_id=appeal_id,
            kind=kind.value,
            section_code=to.section_code,
            locales=list(to.locales),
            to_case=to.to_case,
            is_rewording=to.is_rewording,
            created_at=context.now,
        )
        _write(row, texts)
        session.add(row)
        session.flush()
        _note(session, "announcement.draft", row, context=context, after=_seen(row))
        return row.id


def revise(
    announcement_id: int, to: Audience, texts: Mapping[str, AnnouncementWording], *, context: Context, seen: str
) -> None:
    """Replaces what a draft says and to whom; `seen` is the edition that was changed.

    Raises InputError, NotFoundError, StateError where it has gone out, ConflictError where it says something else now.
    """
    _check(to, texts)
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.DRAFT, context.actor)
        _check_section(session, to, context.actor)
        _refuse_unseen(row, seen)
        before = _seen(row)
        row.section_code = to.section_code
        row.locales = list(to.locales)
        row.to_case = to.to_case
        row.is_rewording = to.is_rewording
        row.texts.clear()
        session.flush()
        _write(row, texts)
        session.flush()
        if _seen(row) != before:
            _note(session, "announcement.revise", row, context=context, before=before, after=_seen(row))


def discard(announcement_id: int, *, context: Context) -> None:
    """Deletes a draft, with the tests of it that have not left. Raises NotFoundError, StateError."""
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.DRAFT, context.actor)
        _note(session, "announcement.discard", row, context=context, before=_seen(row))
        session.execute(delete(Mail).where(Mail.announcement_id == row.id))
        session.delete(row)


def send_test(announcement_id: int, language: str, to: Address, *, context: Context, name: str) -> None:
    """Owes the author the message in that language, as a signer would get it. Raises NotFoundError, InputError."""
    with transaction() as session:
        row = _found(session, announcement_id, context.actor)
        if language not in {text.language for text in row.texts}:
            raise InputError("language", "unknown", f"nothing is written in {language}")
        owe_staff(
            session.connection(),
            MailKind(row.kind),
            to,
            {"name": name, "appeal_id": str(row.appeal_id)},
            locale=language,
            context=context,
            announcement_id=row.id,
            text_language=language,
        )


def send(announcement_id: int, *, context: Context, seen: str) -> None:
    """Lets a draft go out: after the time to take it back, workers owe it to one batch of signers after the other.

    Raises NotFoundError, StateError where it went out or was stopped before, ConflictError where it is another edition
    than was `seen`.
    """
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.DRAFT, context.actor)
        _refuse_unseen(row, seen)
        row.state = AnnouncementState.SENDING
        row.started_at = context.now + RECALL
        _note(session, "announcement.send", row, context=context, after=_seen(row))


def recall(announcement_id: int, *, context: Context) -> None:
    """Takes back what was let go a moment ago: a draft again, and nobody has got it.

    Raises NotFoundError, StateError where that is too late.
    """
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.SENDING, context.actor)
        # A worker whose clock is ahead may have begun.
        if row.started_at is None or row.started_at <= context.now or row.after_id:
            raise StateError("it is on its way: stop it")
        row.state = AnnouncementState.DRAFT
        row.started_at = None
        _note(session, "announcement.recall", row, context=context)


def stop(announcement_id: int, *, context: Context) -> None:
    """Ends an announcement on its way: what has not left stays. Repeating it changes nothing.

    Raises NotFoundError, StateError where it is a draft.
    """
    with transaction() as session:
        row = _found(session, announcement_id, context.actor, lock=True)
        if row.state == AnnouncementState.DRAFT:
            raise StateError("the announcement is a draft: discard it")
        if row.state != AnnouncementState.STOPPED:
            row.state = AnnouncementState.STOPPED
            row.ended_at = context.now
            _note(session, "announcement.stop", row, context=context)


def _found(session: Session, announcement_id: int, actor: Actor, *, lock: bool = False) -> Announcement:
    """Staff tell the signers of their own section; coordinators those of any, and of all."""
    row = session.get(
        Announcement, announcement_id, with_for_update=NO_KEY_UPDATE if lock else None, populate_existing=True
    )
    if row is None or not actor.may_edit_for(row.section_code):
        raise NotFoundError("there is no such announcement")
    return row


def _locked(session: Session, announcement_id: int, wanted: AnnouncementState, actor: Actor) -> Announcement:
    row = _found(session, announcement_id, actor, lock=True)
    if row.state != wanted:
        raise StateError(f"the announcement is {row.state}")
    return row


def _refuse_unseen(row: Announcement, seen: str) -> None:
    texts = {text.language: (text.subject, text.body) for text in row.texts}
    readers = {"to_case": row.to_case, "is_rewording": row.is_rewording}
    if edition(row.section_code, row.locales, texts, **readers) != seen:
        raise ConflictError(_readers(row) | {"texts": texts})


def _seen(row: Announcement) -> dict[str, object]:
    """What the audit log keeps of it: to whom, the subjects, and a digest of each body."""
    told = {text.language: f"{text.subject} [{sha256(text.body.encode()).hexdigest()[:12]}]" for text in row.texts}
    return {"kind": row.kind, **_readers(row), "texts": told}


def _readers(row: Announcement) -> dict[str, object]:
    case = {"case": True} if row.to_case else {}
    rewording = {"rewording": True} if row.is_rewording else {}
    return {"section": row.section_code, "locales": list(row.locales), **case, **rewording}


def _note(
    session: Session,
    act: str,
    row: Announcement,
    *,
    context: Context,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    entry = AuditRecord(act, f"announcement:{row.id}", row.section_code, before, after)
    append(session, entry, context=context)


def _check(audience: Audience, texts: Mapping[str, AnnouncementWording]) -> None:
    if not texts:
        raise InputError("texts", "missing", "nothing is written yet")
    for language in (*texts, *audience.locales):
        if language not in LOCALES:
            raise InputError("language", "unknown", f"{language} is no language of the site")
    for wording in texts.values():
        check_text(wording.subject, wording.body)


def _check_section(session: Session, audience: Audience, actor: Actor) -> None:
    if not actor.may_edit_for(audience.section_code):
        raise InputError("section", "not-yours", "another section tells its own signers")
    if audience.section_code is not None and session.get(Section, audience.section_code) is None:
        raise InputError("section", "unknown", f"there is no section {audience.section_code}")


def _write(row: Announcement, texts: Mapping[str, AnnouncementWording]) -> None:
    row.texts.extend(
        AnnouncementText(language=language, subject=" ".join(said.subject.split()), body=said.body.strip())
        for language, said in sorted(texts.items())
    )
