"""Announcements, for their mails and for staff, and the conditions for their readers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import selectinload

from campaign.domain.announcements.announcement import choose_language, edition
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address
from campaign.domain.signing.signature import SignatureState
from campaign.models import Announcement, AnnouncementText, AppealText, Consent, Mail, Signature
from campaign.platform import db
from campaign.queries.appeals.appeal import case_appeal_ids


@dataclass(frozen=True, slots=True)
class AnnouncementTextView:
    """An announcement's text in one language, with its appeal. The body is Markdown."""

    language: str
    subject: str
    body: str
    appeal_id: int
    is_rewording: bool


@dataclass(frozen=True, slots=True)
class AnnouncementView:
    """One announcement: its readers, its progress, and its mails by state."""

    id: int
    appeal_id: int
    kind: str
    state: str
    section_code: str | None
    locales: tuple[str, ...]
    to_case: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    texts: dict[str, AnnouncementTextView]
    mails: dict[str, int]
    # The language of the appeal's first text.
    first_language: str = ""
    is_rewording: bool = False

    @property
    def edition(self) -> str:
        """Return the digest of its texts and readers (see `edition` in the domain)."""
        texts = {text.language: (text.subject, text.body) for text in self.texts.values()}
        readers = {"to_case": self.to_case, "is_rewording": self.is_rewording}
        return edition(self.section_code, self.locales, texts, **readers)

    def reads(self, locale: str) -> str | None:
        """Return the language in which signers in `locale` get it; None if they get nothing."""
        is_told = bool(self.texts) and (not self.locales or locale in self.locales)
        return choose_language(locale, self.texts, self.first_language) if is_told else None


def find_announcement_text(announcement_id: int, language: str) -> AnnouncementTextView | None:
    """Return the text in that language; None if there is none."""
    row = db.session.execute(
        select(AnnouncementText, Announcement.appeal_id, Announcement.is_rewording)
        .join(Announcement, Announcement.id == AnnouncementText.announcement_id)
        .where(AnnouncementText.announcement_id == announcement_id, AnnouncementText.language == language)
    ).one_or_none()
    return None if row is None else _announced(*row)


def _announced(row: AnnouncementText, appeal_id: int, is_rewording: bool) -> AnnouncementTextView:
    return AnnouncementTextView(row.language, row.subject, row.body, appeal_id, is_rewording)


def find_announcement(announcement_id: int) -> AnnouncementView | None:
    """Return the announcement with the number of its mails by state, tests to staff excluded; None if unknown."""
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
    """Return an appeal's announcements without their mails, the newest first; with a section, only those for it."""
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
        to_case=row.to_case,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        texts={text.language: _announced(text, row.appeal_id, row.is_rewording) for text in row.texts},
        mails=mails,
        first_language=row.appeal.first_language or "",
        is_rewording=row.is_rewording,
    )


def audience(
    appeal_id: int, section_code: str | None = None, *, to_case: bool = False, is_rewording: bool = False
) -> dict[str, int]:
    """Return the number of confirmed signers who asked for news of the case, by the language in which they signed.

    For several appeals (`to_case`) it is an upper bound: a person who signed two counts twice, and gets one mail.
    """
    conditions = recipient_conditions(appeal_id, section_code, (), to_case=to_case, is_rewording=is_rewording)
    chosen = select(Signature.locale, func.count()).where(*conditions)
    return {locale: int(number) for locale, number in db.session.execute(chosen.group_by(Signature.locale))}


def recipient_conditions(
    appeal_id: int,
    section_code: str | None,
    locales: Collection[str],
    *,
    to_case: bool,
    is_rewording: bool = False,
) -> list[Any]:
    """Return the conditions for signatures that get an announcement: confirmed, with an address, and asked for news.

    A person who signed several appeals of the case matches once for each; `without_duplicates` removes the others. For
    a change of the letter (`is_rewording`), only signers of earlier versions match.
    """
    earlier = [_SIGNED_EARLIER.is_(True)] if is_rewording else []
    ids = case_appeal_ids(appeal_id) if to_case else (appeal_id,)
    # As the partial index says it: SQLite uses it only so.
    return [text("signature.wants_updates"), *_asked(Signature, ids, section_code, locales), *earlier]


# Whether the newest consent of a signature names an older version than today's in its language; by one look-up.
_SIGNED_EARLIER = (
    select(Consent.text_version < AppealText.version)
    .join(AppealText, and_(AppealText.language == Consent.text_language, AppealText.is_current))
    .where(Consent.signature_id == Signature.id, AppealText.appeal_id == Signature.appeal_id)
    .order_by(Consent.id.desc())
    .limit(1)
    .correlate(Signature)
    .scalar_subquery()
)


def without_duplicates(
    batch: Sequence[tuple[Signature, Address]], row: Announcement, vault: Vault
) -> list[tuple[Signature, Address]]:
    """Return the signatures of the batch without those whose signer gets the announcement for another signature.

    A person who signed several appeals of the case gets it once: for the appeal itself, else for the one signed last.
    Only the decrypted address joins signatures over appeals, so each address is looked up under the others.
    """
    ids = case_appeal_ids(row.appeal_id) if row.to_case else (row.appeal_id,)
    if len(ids) < 2:
        return list(batch)
    digests = {one.id: vault.address_digests(ids, to) for one, to in batch}
    chosen = select(Signature.id, Signature.appeal_id, Signature.address_digest).where(
        Signature.address_digest.in_({digest for some in digests.values() for digest in some}),
        *recipient_conditions(
            row.appeal_id, row.section_code, row.locales, to_case=True, is_rewording=row.is_rewording
        ),
    )
    found = {
        bytes(digest or b""): (appeal_id == row.appeal_id, number)
        for number, appeal_id, digest in db.session.execute(chosen)
    }
    # A person who has just erased or unsubscribed is not found; a worker checks again before it sends.
    best = {
        one.id: max((found[some] for some in digests[one.id] if some in found), default=(False, 0)) for one, _ in batch
    }
    return [(one, to) for one, to in batch if (one.appeal_id == row.appeal_id, one.id) >= best[one.id]]


def _asked(
    signature: Any, ids: Collection[int], section_code: str | None, locales: Collection[str]
) -> list[ColumnElement[bool]]:
    conditions = [
        signature.appeal_id.in_(ids) if len(ids) > 1 else signature.appeal_id == next(iter(ids)),
        signature.state == SignatureState.CONFIRMED,
        signature.email_sealed.is_not(None),
    ]
    if section_code is not None:
        conditions.append(signature.section_code == section_code)
    if locales:
        conditions.append(signature.locale.in_(locales))
    return conditions
