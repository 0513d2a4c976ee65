"""Announcements as their message and their staff see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import selectinload

from campaign.domain.announcement import choose_language, edition
from campaign.domain.signature import SignatureState
from campaign.extensions import db
from campaign.models import Announcement, AnnouncementText, Mail, Signature


@dataclass(frozen=True, slots=True)
class AnnouncedView:
    """What is announced, in one language; the body is Markdown."""

    language: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class AnnouncementView:
    """One announcement: to whom, how far it is, and what became of its mails."""

    id: int
    appeal_id: int
    kind: str
    state: str
    section_code: str | None
    locales: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    texts: dict[str, AnnouncedView]
    mails: dict[str, int]

    @property
    def edition(self) -> str:
        """The name of exactly these words to exactly these people."""
        texts = {text.language: (text.subject, text.body) for text in self.texts.values()}
        return edition(self.section_code, self.locales, texts)

    def reads(self, locale: str) -> str | None:
        """In which language who signed in that one gets it; None where they get nothing."""
        is_told = bool(self.texts) and (not self.locales or locale in self.locales)
        return choose_language(locale, self.texts) if is_told else None


def find_announced(announcement_id: int, language: str) -> AnnouncedView | None:
    """The words in that language."""
    row = db.session.get(AnnouncementText, (announcement_id, language))
    return None if row is None else AnnouncedView(row.language, row.subject, row.body)


def find_announcement(announcement_id: int) -> AnnouncementView | None:
    """One announcement with its mails by state (tests to staff are not counted)."""
    row = db.session.get(Announcement, announcement_id)
    if row is None:
        return None
    by_state = db.session.execute(
        select(Mail.state, func.count())
        .where(Mail.announcement_id == announcement_id, Mail.signature_id.is_not(None))
        .group_by(Mail.state)
    )
    return _view(row, {state: int(number) for state, number in by_state})


def announcements_of(appeal_id: int, section_code: str | None = None) -> tuple[AnnouncementView, ...]:
    """An appeal's announcements without their mails, the newest first; with a section, those only this section gets."""
    chosen = select(Announcement).where(Announcement.appeal_id == appeal_id).order_by(Announcement.id.desc())
    if section_code is not None:
        chosen = chosen.where(Announcement.section_code == section_code)
    return tuple(_view(row, {}) for row in db.session.scalars(chosen.options(selectinload(Announcement.texts))))


def _view(row: Announcement, mails: dict[str, int]) -> AnnouncementView:
    return AnnouncementView(
        id=row.id,
        appeal_id=row.appeal_id,
        kind=row.kind,
        state=row.state,
        section_code=row.section_code,
        locales=tuple(row.locales),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        texts={text.language: AnnouncedView(text.language, text.subject, text.body) for text in row.texts},
        mails=mails,
    )


def audience(appeal_id: int, section_code: str | None = None) -> dict[str, int]:
    """How many confirmed signers want to hear how the case goes on, by the language in which they signed."""
    chosen = select(Signature.locale, func.count()).where(
        Signature.appeal_id == appeal_id,
        text("signature.wants_updates"),
        Signature.state == SignatureState.CONFIRMED,
        Signature.email_sealed.is_not(None),
    )
    if section_code is not None:
        chosen = chosen.where(Signature.section_code == section_code)
    return {locale: int(number) for locale, number in db.session.execute(chosen.group_by(Signature.locale))}
