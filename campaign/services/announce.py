"""Announcements: staff write, look, send a test to themselves, then let it go out to those who asked to hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.config import LOCALES
from campaign.domain.address import Address
from campaign.domain.announcement import AnnouncementKind, AnnouncementState, check_text
from campaign.domain.appeal import AppealState
from campaign.domain.cipher import Vault
from campaign.domain.errors import InputError, NotFoundError, StateError
from campaign.domain.outbox import MailKind
from campaign.models import Announcement, AnnouncementText, Appeal, Mail, Section
from campaign.services.outbox import owe_staff
from campaign.services.transaction import transaction


@dataclass(frozen=True, slots=True)
class Wording:
    """What staff wrote in one language; the body is Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom: the signers of one section or (None) of all, who signed in one of these languages or (empty) any."""

    section_code: str | None = None
    locales: tuple[str, ...] = ()


def draft(
    appeal_id: int, kind: AnnouncementKind, audience: Audience, texts: Mapping[str, Wording], *, now: datetime
) -> int:
    """Keeps a new announcement and returns its id; nothing goes out yet. Raises InputError, NotFoundError, StateError.

    Each signer gets it in the language of their signature, else in English, else in the first there is.
    """
    if kind is AnnouncementKind.DEADLINE_REMINDER:
        raise InputError("kind", "unknown", "reminders go out by themselves")
    _check(audience, texts)
    with transaction() as session:
        state = session.scalar(select(Appeal.state).where(Appeal.id == appeal_id))
        if state is None:
            raise NotFoundError("there is no such appeal")
        if state == AppealState.DRAFT:
            raise StateError("nobody has signed this appeal yet")
        _check_section(session, audience)
        row = Announcement(
            appeal_id=appeal_id,
            kind=kind.value,
            section_code=audience.section_code,
            locales=list(audience.locales),
            created_at=now,
        )
        _write(row, texts)
        session.add(row)
        session.flush()
        return row.id


def revise(announcement_id: int, audience: Audience, texts: Mapping[str, Wording]) -> None:
    """Replaces what a draft says and to whom. Raises InputError, NotFoundError, StateError where it has gone out."""
    _check(audience, texts)
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.DRAFT)
        _check_section(session, audience)
        row.section_code = audience.section_code
        row.locales = list(audience.locales)
        row.texts.clear()
        session.flush()
        _write(row, texts)


def discard(announcement_id: int) -> None:
    """Deletes a draft, with the tests of it that have not left. Raises NotFoundError, StateError."""
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.DRAFT)
        session.execute(delete(Mail).where(Mail.announcement_id == row.id))
        session.delete(row)


def send_test(
    announcement_id: int, language: str, to: Address, *, name: str, now: datetime, vault: Vault, mail_domain: str
) -> None:
    """Owes the author the message in that language, as a signer would get it. Raises NotFoundError, InputError."""
    with transaction() as session:
        row = session.get(Announcement, announcement_id)
        if row is None:
            raise NotFoundError("there is no such announcement")
        if language not in {text.language for text in row.texts}:
            raise InputError("language", "unknown", f"nothing is written in {language}")
        owe_staff(
            session.connection(),
            MailKind(row.kind),
            to,
            {"name": name, "appeal_id": str(row.appeal_id)},
            locale=language,
            now=now,
            vault=vault,
            domain=mail_domain,
            announcement_id=row.id,
            text_language=language,
        )


def send(announcement_id: int, *, now: datetime) -> None:
    """Lets a draft go out: from now on workers owe it to one batch of signers after the other.

    Raises NotFoundError, StateError where it went out or was stopped before.
    """
    with transaction() as session:
        row = _locked(session, announcement_id, AnnouncementState.DRAFT)
        row.state = AnnouncementState.SENDING
        row.started_at = now


def stop(announcement_id: int, *, now: datetime) -> None:
    """Ends an announcement on its way: what has not left stays. Repeating it changes nothing. Raises as `send`."""
    with transaction() as session:
        row = session.get(Announcement, announcement_id, with_for_update=True)
        if row is None:
            raise NotFoundError("there is no such announcement")
        if row.state == AnnouncementState.DRAFT:
            raise StateError("the announcement is a draft: discard it")
        if row.state != AnnouncementState.STOPPED:
            row.state = AnnouncementState.STOPPED
            row.ended_at = now


def _locked(session: Session, announcement_id: int, wanted: AnnouncementState) -> Announcement:
    row = session.get(Announcement, announcement_id, with_for_update=True)
    if row is None:
        raise NotFoundError("there is no such announcement")
    if row.state != wanted:
        raise StateError(f"the announcement is {row.state}, no longer a {wanted}")
    return row


def _check(audience: Audience, texts: Mapping[str, Wording]) -> None:
    if not texts:
        raise InputError("texts", "missing", "nothing is written yet")
    for language in (*texts, *audience.locales):
        if language not in LOCALES:
            raise InputError("language", "unknown", f"{language} is no language of the site")
    for wording in texts.values():
        check_text(wording.subject, wording.body)


def _check_section(session: Session, audience: Audience) -> None:
    if audience.section_code is not None and session.get(Section, audience.section_code) is None:
        raise InputError("section", "unknown", f"there is no section {audience.section_code}")


def _write(row: Announcement, texts: Mapping[str, Wording]) -> None:
    row.texts.extend(
        AnnouncementText(language=language, subject=" ".join(said.subject.split()), body=said.body.strip())
        for language, said in sorted(texts.items())
    )
