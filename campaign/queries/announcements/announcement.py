"""Announcements, for their mails and for staff, and the conditions for their recipients."""

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
    """One announcement: its recipients, its texts by language, its progress, and the number of its mails by state."""

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
        """Return the digest of its texts and recipients (see `edition` in the domain)."""
        texts = {text.language: (text.subject, text.body) for text in self.texts.values()}
        options = {"to_case": self.to_case, "is_rewording": self.is_rewording}
        return edition(self.section_code, self.locales, texts, **options)

    def language_for(self, locale: str) -> str | None:
        """Return the language in which signers with that locale get it; None if they do not get it."""
        is_recipient = bool(self.texts) and (not self.locales or locale in self.locales)
        return choose_language(locale, self.texts, self.first_language) if is_recipient else None


def find_announcement_text(announcement_id: int, language: str) -> AnnouncementTextView | None:
    """Return the announcement's text in that language; None if there is none."""
    row = db.session.execute(
        select(AnnouncementText, Announcement.appeal_id, Announcement.is_rewording)
        .join(Announcement, Announcement.id == AnnouncementText.announcement_id)
        .where(AnnouncementText.announcement_id == announcement_id, AnnouncementText.language == language)
    ).one_or_none()
    return None if row is None else _text_view(*row)


def _text_view(row: AnnouncementText, appeal_id: int, is_rewording: bool) -> AnnouncementTextView:
    return AnnouncementTextView(row.language, row.subject, row.body, appeal_id, is_rewording)


def find_announcement(announcement_id: int) -> AnnouncementView | None:
    """Return the announcement with the number of its mails by state, without tests to staff; None if unknown."""
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
    """Return an appeal's announcements without their mails, the newest first; with a section, only those to it."""
    query = select(Announcement).where(Announcement.appeal_id == appeal_id).order_by(Announcement.id.desc())
    if section_code is not None:
        query = query.where(Announcement.section_code == section_code)
    return tuple(_view(row, {}) for row in db.session.scalars(query.options(selectinload(Announcement.texts))))


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
        texts={text.language: _text_view(text, row.appeal_id, row.is_rewording) for text in row.texts},
        mails=mails,
        first_language=row.appeal.first_language or "",
        is_rewording=row.is_rewording,
    )


def audience(
    appeal_id: int, section_code: str | None = None, *, to_case: bool = False, is_rewording: bool = False
) -> dict[str, int]:
    """Return the number of confirmed signers who asked for news of the case, by the language in which they signed.

    For several appeals (`to_case`) it is an upper bound: a person who signed two counts twice, but gets one mail.
    """
    conditions = recipient_conditions(appeal_id, section_code, (), to_case=to_case, is_rewording=is_rewording)
    numbers = select(Signature.locale, func.count()).where(*conditions)
    return {locale: int(number) for locale, number in db.session.execute(numbers.group_by(Signature.locale))}


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
    # In the words of the partial index, because SQLite uses it only then.
    return [text("signature.wants_updates"), *_confirmed_conditions(ids, section_code, locales), *earlier]


# Whether the newest consent of a signature names an older version than the current one in its language. It costs one
# look-up by the index for each signature.
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

    A person who signed several appeals of the case gets it once: for the announcement's appeal, else for the one signed
    last. An address has another digest in each appeal, so the addresses are looked up by their digests in all appeals.
    """
    ids = case_appeal_ids(row.appeal_id) if row.to_case else (row.appeal_id,)
    if len(ids) < 2:
        return list(batch)
    digests = {signature.id: vault.address_digests(ids, to) for signature, to in batch}
    query = select(Signature.id, Signature.appeal_id, Signature.address_digest).where(
        Signature.address_digest.in_({digest for of_address in digests.values() for digest in of_address}),
        *recipient_conditions(
            row.appeal_id, row.section_code, row.locales, to_case=True, is_rewording=row.is_rewording
        ),
    )
    # The rank of each matching signature: that of the announcement's appeal is the highest, then the newest.
    ranks = {
        bytes(digest or b""): (appeal_id == row.appeal_id, signature_id)
        for signature_id, appeal_id, digest in db.session.execute(query)
    }
    # A person who has just erased or unsubscribed is not found; a worker checks again before it sends.
    highest = {
        signature.id: max((ranks[digest] for digest in digests[signature.id] if digest in ranks), default=(False, 0))
        for signature, _ in batch
    }
    return [
        (signature, to)
        for signature, to in batch
        if (signature.appeal_id == row.appeal_id, signature.id) >= highest[signature.id]
    ]


def _confirmed_conditions(
    ids: Collection[int], section_code: str | None, locales: Collection[str]
) -> list[ColumnElement[bool]]:
    """Return the conditions for confirmed signatures with an address, of those appeals, that section and locales."""
    conditions = [
        Signature.appeal_id.in_(ids) if len(ids) > 1 else Signature.appeal_id == next(iter(ids)),
        Signature.state == SignatureState.CONFIRMED,
        Signature.email_sealed.is_not(None),
    ]
    if section_code is not None:
        conditions.append(Signature.section_code == section_code)
    if locales:
        conditions.append(Signature.locale.in_(locales))
    return conditions
