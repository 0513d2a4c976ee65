"""What waits for a mailbox to confirm it, as the page and the mail show it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaign.domain.address import Address, parse_address
from campaign.domain.appeal import AppealState
from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError
from campaign.extensions import db
from campaign.models import Appeal, Signature, SignUp
from campaign.models.sealed import place_of
from campaign.queries.person import digests_everywhere


@dataclass(frozen=True, slots=True)
class WaitingView:
    """A sign-up with name and address opened; both are empty once it is confirmed.

    `signature_id` is what it has become; `signed` is the name in the confirmed signature that its address has already.
    """

    id: int
    appeal_id: int
    slug: str
    link_key: bytes
    content_digest: bytes
    name: str
    email: str
    country: str
    locale: str
    signed_at: datetime
    signature_id: int | None
    signed: str | None = None


def find_waiting(sign_up_id: int, vault: Vault) -> WaitingView | None:
    """Return the sign-up, or None where it was let go. Raises CipherError."""
    found = db.session.execute(_CHOSEN.where(SignUp.id == sign_up_id)).one_or_none()
    return None if found is None else _view(found, vault)


def waiting_under(address: Address, vault: Vault) -> tuple[WaitingView, ...]:
    """Return what waits under the address and can be confirmed, the oldest first. Raises CipherError.

    What looks like part of a flood is left out, as it is of the mail.
    """
    digests = [vault.waiting_digest(one) for one in digests_everywhere(db.session, address, vault)]
    chosen = _CHOSEN.where(
        SignUp.address_digest.in_(digests),
        SignUp.signature_id.is_(None),
        SignUp.flag.is_(None),
        Appeal.state != AppealState.STOPPED,
    )
    rows = db.session.execute(chosen.order_by(SignUp.signed_at, SignUp.id)).all()
    return tuple(_view(row, vault) for row in rows)


def beside(one: WaitingView, vault: Vault) -> tuple[WaitingView, ...]:
    """Return what else waits under the address of a sign-up. Raises CipherError."""
    if not one.email:
        return ()
    return tuple(other for other in waiting_under(parse_address(one.email), vault) if other.id != one.id)


_CHOSEN = select(SignUp, Appeal.slug).join(Appeal, Appeal.id == SignUp.appeal_id)


def origin_of(row: SignUp, vault: Vault) -> tuple[str, str | None]:
    """Return the sign-up's country, and the tag of the link that led to it. Raises CipherError."""
    country, via = json.loads(vault.open_origin(row.origin_sealed, place_of(row)))
    return country, via


def refuse_another(row: SignUp, signature: Signature, vault: Vault) -> None:
    """Raise CipherError where the signature that the form is said to have become is another address's.

    The number in the form can be changed by whoever writes SQL; the two addresses cannot.
    """
    if signature.email_sealed is None:
        return
    origin_of(row, vault)  # opens only where the form's digest is its own
    address = parse_address(vault.open_email(signature.email_sealed, place_of(signature)))
    # A second person's signature has a digest of its own; of the first, rules for addresses may have changed since.
    for digest in (signature.address_digest, vault.address_digest(signature.appeal_id, address)):
        if digest is not None and row.address_digest == vault.waiting_digest(digest):
            return
    raise CipherError("a form names a signature that it has not become")


def _view(found: Any, vault: Vault) -> WaitingView:
    row, slug = found
    signature = None if row.signature_id is None else db.session.get(Signature, row.signature_id)
    if signature is not None:
        refuse_another(row, signature, vault)
    place = place_of(row)
    email = vault.open_email(row.email_sealed, place) if row.email_sealed else ""
    return WaitingView(
        id=row.id,
        appeal_id=row.appeal_id,
        slug=slug,
        link_key=row.link_key,
        content_digest=row.content_digest,
        name=vault.open_name(row.name_sealed, place) if row.name_sealed else "",
        email=email,
        country=origin_of(row, vault)[0],
        locale=row.locale,
        signed_at=row.signed_at,
        signature_id=row.signature_id,
        signed=_signed(row.appeal_id, email, vault) if email else None,
    )


def _signed(appeal_id: int, email: str, vault: Vault) -> str | None:
    digest = vault.address_digest(appeal_id, parse_address(email))
    chosen = select(Signature).where(Signature.address_digest == digest, Signature.confirmed_at.is_not(None))
    signature = db.session.scalars(chosen).one_or_none()
    if signature is None or signature.name_sealed is None or signature.state != "confirmed":
        return None
    return vault.open_name(signature.name_sealed, place_of(signature))
