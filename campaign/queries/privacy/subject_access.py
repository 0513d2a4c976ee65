"""Subject access: all data stored for an address, for the person it belongs to (GDPR art. 15 and 20)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import select

from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Link
from campaign.models import Action, Appeal, BulkEntry, Consent, Mail, SheetRow, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.queries.signing.sign_up import waiting_sign_ups
from campaign.queries.signing.signature import SignatureView, digests_of_same_address, signatures_of_same_address

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent: its time, the text that was on the page, and what the signer agreed to."""

    given_at: datetime
    text_language: str
    text_version: int
    to_appeal: bool
    to_updates: bool
    to_sharing_name: bool


@dataclass(frozen=True, slots=True)
class ActionView:
    """A counted action."""

    channel: str
    evidence: str
    target: int
    happened_on: date


@dataclass(frozen=True, slots=True)
class MailView:
    """A message with its outcome."""

    kind: str
    state: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubjectAccess:
    """A signature with its consents, actions and mails."""

    signature: SignatureView
    ended_at: datetime | None
    consents: tuple[ConsentView, ...]
    acts: tuple[ActionView, ...]
    mails: tuple[MailView, ...]


@dataclass(frozen=True, slots=True)
class SignUpView:
    """A form submitted with the address, which waits for confirmation."""

    appeal: str
    name: str
    email: str
    country: str
    language: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class SheetRowView:
    """A row of a paper sheet that waits to be signed up."""

    appeal: str
    name: str
    country: str
    entered_at: datetime


def waiting_sheet_rows(signature_id: int, vault: Vault) -> tuple[SheetRowView, ...]:
    """Return rows of paper sheets with the signature's address that wait to be signed up. Raises CipherError."""
    digests = [vault.sheet_row_digest(digest) for digest in digests_of_same_address(signature_id, vault)]
    rows = db.session.execute(
        select(Appeal.slug, SheetRow, BulkEntry.entered_at)
        .join(BulkEntry, BulkEntry.id == SheetRow.bulk_entry_id)
        .join(Appeal, Appeal.id == BulkEntry.appeal_id)
        .where(SheetRow.address_digest.in_(digests))
        .order_by(SheetRow.id)
    )
    return tuple(
        SheetRowView(slug, vault.open_name(row.name_sealed, place_of(row)), row.country, entered_at)
        for slug, row, entered_at in rows
    )


def waiting_forms(email: str, vault: Vault) -> tuple[SignUpView, ...]:
    """Return the forms of the address that wait for confirmation. Raises CipherError."""
    return tuple(
        SignUpView(form.slug, form.name, form.email, form.country, form.locale, form.signed_at)
        for form in waiting_sign_ups(parse_address(email), vault)
    )


def subject_access_of(signature_id: int, vault: Vault, link: Link | None = None) -> tuple[SubjectAccess, ...]:
    """Return all signatures of the signature's address, the newest first; none if it was erased.

    With a link, return only the signatures that it opens. Raises CipherError.
    """
    signatures = signatures_of_same_address(signature_id, vault, link)
    ids = [signature.id for signature in signatures]
    rows = {row.id: row for row in db.session.scalars(select(Signature).where(Signature.id.in_(ids)))}
    consents = _by_signature(select(Consent).where(Consent.signature_id.in_(ids)).order_by(Consent.id), _consent)
    acts = _by_signature(select(Action).where(Action.signature_id.in_(ids)).order_by(Action.id), _act)
    mails = _by_signature(select(Mail).where(Mail.signature_id.in_(ids)).order_by(Mail.id), _mail)
    return tuple(
        SubjectAccess(
            signature=signature,
            ended_at=rows[signature.id].ended_at,
            consents=tuple(consents.get(signature.id, ())),
            acts=tuple(acts.get(signature.id, ())),
            mails=tuple(mails.get(signature.id, ())),
        )
        for signature in signatures
    )


def _by_signature(statement: Any, view: Callable[[Any], T]) -> dict[int, list[T]]:
    """Return the views of the chosen rows, by the ids of their signatures."""
    views_by_signature: dict[int, list[T]] = {}
    rows: Iterable[Any] = db.session.scalars(statement)
    for row in rows:
        views_by_signature.setdefault(row.signature_id, []).append(view(row))
    return views_by_signature


def _consent(row: Consent) -> ConsentView:
    text = row.text_language, row.text_version
    return ConsentView(row.given_at, *text, row.to_appeal, row.to_updates, row.to_sharing_name)


def _act(row: Action) -> ActionView:
    return ActionView(row.channel, row.evidence, row.target, row.happened_on)


def _mail(row: Mail) -> MailView:
    return MailView(row.kind, row.state, row.created_at, row.sent_at)
