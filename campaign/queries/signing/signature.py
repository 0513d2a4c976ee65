"""Queries for signatures as their signers see them, with name and address decrypted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Link
from campaign.models import Action, Consent, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView, find_appeal_by_id
from campaign.queries.signing.person import digests_of_address


@dataclass(frozen=True, slots=True)
class SignatureView:
    """A signature with its appeal. `reported` has the last day of a reported action, by channel and target."""

    id: int
    link_key: bytes
    appeal: AppealView
    state: str
    name: str
    email: str
    country: str
    section_code: str
    locale: str
    wants_updates: bool
    shares_name: bool
    signed_at: datetime
    confirmed_at: datetime | None
    reported: dict[tuple[str, int], date]


def find_signature(signature_id: int, vault: Vault) -> SignatureView | None:
    """Return the signature; None if it was erased. Raises CipherError if its key is missing."""
    row = db.session.get(Signature, signature_id)
    return None if row is None else _view(row, vault)


def signatures_of_same_address(signature_id: int, vault: Vault, link: Link | None = None) -> tuple[SignatureView, ...]:
    """Return all signatures of the signature's address, the newest first; none if it was erased.

    With a link, only the signatures that it opens are returned.
    """
    rows = db.session.scalars(
        select(Signature)
        .where(Signature.address_digest.in_(digests_of_same_address(signature_id, vault)))
        .order_by(Signature.signed_at.desc(), Signature.id.desc())
    )
    opened = [row for row in rows if link is None or link.covers(row.id, row.link_key or b"")]
    return tuple(view for view in (_view(row, vault) for row in opened) if view is not None)


def digests_of_same_address(signature_id: int, vault: Vault) -> list[bytes]:
    """Return the digests of the signature's address under all appeals; none if it was erased. Raises CipherError."""
    row = db.session.get(Signature, signature_id)
    if row is None or row.email_sealed is None:
        return []
    address = parse_address(vault.open_email(row.email_sealed, place_of(row)))
    return digests_of_address(db.session, address, vault)


def _view(row: Signature, vault: Vault) -> SignatureView | None:
    """Return the decrypted signature; None if it was erased. Raises CipherError."""
    appeal = find_appeal_by_id(row.appeal_id)
    if row.name_sealed is None or row.email_sealed is None or appeal is None:
        return None
    reported = db.session.execute(
        select(Action.channel, Action.target, func.max(Action.happened_on))
        .where(Action.signature_id == row.id, Action.channel != Channel.SIGNATURE)
        .group_by(Action.channel, Action.target)
    )
    return SignatureView(
        id=row.id,
        link_key=row.link_key or b"",
        appeal=appeal,
        state=row.state,
        name=vault.open_name(row.name_sealed, place_of(row)),
        email=vault.open_email(row.email_sealed, place_of(row)),
        country=row.country,
        section_code=row.section_code,
        locale=row.locale,
        wants_updates=row.wants_updates,
        shares_name=row.shares_name,
        signed_at=row.signed_at,
        confirmed_at=row.confirmed_at,
        reported={(channel, target): day for channel, target, day in reported},
    )


def last_consent(session: Session, signature: Signature) -> Consent:
    """Return the signature's newest consent. Every signature has at least one."""
    return session.scalars(
        select(Consent).where(Consent.signature_id == signature.id).order_by(Consent.id.desc()).limit(1)
    ).one()
