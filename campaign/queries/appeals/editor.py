"""An appeal for its editors: its documents with their warnings, and the initial values of the forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from campaign.domain.appeals.editing import FACT_FIELDS, TARGET_FIELDS, TEXT_FIELDS
from campaign.models import Appeal, AppealText, ImportedDocument, Staff, Target
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView, find_appeal_by_id
from campaign.queries.appeals.line_uses import Confirmation, Document, read_document_row


@dataclass(frozen=True, slots=True)
class TextVersion:
    """The current version of a text: its number and its time.

    `signed_before` is the number of signatures confirmed before it; None if the version before it could not be signed.
    """

    number: int
    since: datetime
    signed_before: int | None


@dataclass(frozen=True, slots=True)
class RelatedAppeal:
    """Another appeal of the case."""

    slug: str
    headline: str
    state: str


@dataclass(frozen=True, slots=True)
class AppealForEditing:
    """An appeal with everything that its editor shows; `words`, `targets` and `facts` are values of forms.

    `names` are e-mail addresses by staff id: of its authors, of the person who requested its review, and of those who
    confirmed a target or a doubt. `confirmations` has the confirmed targets by position.
    """

    appeal: AppealView
    section: str | None
    review_requested_at: datetime | None
    review_requested_by: int | None
    written_by: tuple[int, ...]
    names: dict[int, str]
    versions: dict[str, TextVersion]
    documents: dict[str, Document]
    words: dict[str, dict[str, Any]]
    targets: dict[int, dict[str, Any]]
    confirmations: dict[int, Confirmation]
    facts: dict[str, Any]
    issued_on: date | None
    document_index: str | None
    follows: RelatedAppeal | None
    followed_by: tuple[RelatedAppeal, ...]


def find_for_editing(slug: str) -> AppealForEditing | None:
    """Return the appeal with that slug, in any state; None if unknown."""
    row = db.session.scalars(select(Appeal).where(Appeal.slug == slug)).one_or_none()
    view = None if row is None else find_appeal_by_id(row.id)
    if row is None or view is None:
        return None
    stored_documents = db.session.scalars(
        select(ImportedDocument).where(ImportedDocument.appeal_id == row.id).order_by(ImportedDocument.language)
    )
    documents = [read_document_row(document) for document in stored_documents]
    confirmations = {
        target.position: Confirmation(target.confirmed_by, target.confirmed_at)
        for target in row.targets
        if target.confirmed_at is not None
    }
    followed = None if row.follows_id is None else db.session.get(Appeal, row.follows_id)
    followers = db.session.scalars(
        select(Appeal).where(Appeal.follows_id == row.id).order_by(Appeal.sequence, Appeal.id)
    )
    confirmed_doubts = [doubt.confirmation for document in documents for doubt in document.doubts]
    confirmed_by = {confirmed.staff_id for confirmed in (*confirmations.values(), *confirmed_doubts) if confirmed}
    staff_ids = {*row.written_by, row.review_requested_by, *confirmed_by} - {None}
    return AppealForEditing(
        appeal=view,
        section=row.section_code,
        review_requested_at=row.review_requested_at,
        review_requested_by=row.review_requested_by,
        written_by=tuple(row.written_by),
        names={staff.id: staff.email for staff in db.session.scalars(select(Staff).where(Staff.id.in_(staff_ids)))},
        versions={text.language: TextVersion(text.version, text.created_at, text.signed_before) for text in row.texts},
        documents={document.language: document for document in documents},
        words={text.language: text_values(text) for text in row.texts},
        targets={target.position: target_values(target) for target in row.targets},
        confirmations=confirmations,
        facts=fact_values(row),
        issued_on=row.issued_on,
        document_index=row.document_index,
        follows=None if followed is None else _related(followed),
        followed_by=tuple(_related(follower) for follower in followers),
    )


def text_values(text: AppealText) -> dict[str, Any]:
    """Return a text's values under the names of the form's fields."""
    return {name: getattr(text, name) for name in TEXT_FIELDS}


def target_values(target: Target) -> dict[str, Any]:
    """Return a target's values under the names of the form's fields."""
    return {name: getattr(target, name) for name in TARGET_FIELDS}


def fact_values(appeal: Appeal) -> dict[str, Any]:
    """Return an appeal's facts under the names of the form's fields, the date in ISO 8601."""
    facts = {name: getattr(appeal, name) for name in FACT_FIELDS}
    return facts | {"deadline": appeal.deadline.isoformat() if appeal.deadline else None}


def _related(row: Appeal) -> RelatedAppeal:
    return RelatedAppeal(row.slug, row.first_text.headline if row.first_text else row.slug, row.state)
