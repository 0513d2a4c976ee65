"""Sign-ups that wait for confirmation from their mailbox, for the page and the mail."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Appeal, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.queries.signing.person import digests_of_address


@dataclass(frozen=True, slots=True)
class WaitingSignUpView:
    """A sign-up with name and address decrypted; both are empty once it is confirmed.

    `signature_id` is the signature that it became; `signed_name` is the name in the confirmed signature of its address.
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
    signed_name: str | None = None
    text: tuple[str, int] = ("", 0)

    def has_same_contents(self, other: WaitingSignUpView) -> bool:
        """Return whether both sign-ups show the same when they are confirmed, so that either link may be used."""
        mine = self.name, self.country, self.locale, self.text
        return mine == (other.name, other.country, other.locale, other.text)


def find_sign_up(sign_up_id: int, vault: Vault) -> WaitingSignUpView | None:
    """Return the sign-up; None if it was deleted. Raise CipherError."""
    found = db.session.execute(_WITH_SLUG.where(SignUp.id == sign_up_id)).one_or_none()
    return None if found is None else _view(found, vault)


def newest_of_address(sign_up: WaitingSignUpView, vault: Vault) -> WaitingSignUpView:
    """Return the newer sign-up of the same address that superseded this one, if any. Raise CipherError."""
    if not sign_up.email:
        return sign_up
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, parse_address(sign_up.email)))
    newest = _WITH_SLUG.where(SignUp.appeal_id == sign_up.appeal_id, SignUp.address_digest == digest)
    found = db.session.execute(newest).one_or_none()
    return sign_up if found is None else _view(found, vault)


def superseded_by(sign_up: WaitingSignUpView, vault: Vault) -> tuple[WaitingSignUpView, ...]:
    """Return the waiting sign-ups that this one has superseded. Raise CipherError."""
    if not sign_up.email:
        return ()
    digests = vault.superseded_digests(vault.address_digest(sign_up.appeal_id, parse_address(sign_up.email)))
    chosen = _WITH_SLUG.where(SignUp.appeal_id == sign_up.appeal_id, SignUp.address_digest.in_(digests))
    rows = db.session.execute(chosen.where(SignUp.signature_id.is_(None), SignUp.flag.is_(None))).all()
    return tuple(_view(row, vault) for row in rows)


def form_contents(row: SignUp, vault: Vault) -> tuple[Any, ...]:
    """Return everything that a sign-up shows when it is confirmed, to compare two of one address. Raise CipherError."""
    name = vault.open_name(row.name_sealed, place_of(row)) if row.name_sealed else ""
    return name, origin_of(row, vault)[0], row.locale, row.text_language, row.text_version


def waiting_sign_ups(address: Address, vault: Vault) -> tuple[WaitingSignUpView, ...]:
    """Return the sign-ups of the address that can be confirmed, the oldest first. Raise CipherError.

    Sign-ups that look like part of a flood are left out, as they are from the mail.
    """
    digests = [vault.waiting_digest(sign_up) for sign_up in digests_of_address(db.session, address, vault)]
    chosen = _WITH_SLUG.where(
        SignUp.address_digest.in_(digests),
        SignUp.signature_id.is_(None),
        SignUp.flag.is_(None),
        Appeal.state != AppealState.STOPPED,
    )
    rows = db.session.execute(chosen.order_by(SignUp.signed_at, SignUp.id)).all()
    found = tuple(_view(row, vault) for row in rows)
    if any(parse_address(sign_up.email).identity != address.identity for sign_up in found):
        raise CipherError("a sign-up stands under another's address")
    return found


def other_sign_ups(sign_up: WaitingSignUpView, vault: Vault) -> tuple[WaitingSignUpView, ...]:
    """Return the other waiting sign-ups of a sign-up's address. Raise CipherError."""
    if not sign_up.email:
        return ()
    return tuple(other for other in waiting_sign_ups(parse_address(sign_up.email), vault) if other.id != sign_up.id)


_WITH_SLUG = select(SignUp, Appeal.slug).join(Appeal, Appeal.id == SignUp.appeal_id)


def origin_of(row: SignUp, vault: Vault) -> tuple[str, str | None]:
    """Return the sign-up's country and the source tag of its link. Raise CipherError."""
    country, via, _of = _origin(row, vault)
    return country, via


def address_fingerprint(waiting_digest: bytes) -> str:
    """Return the 22 characters sealed in a form that identify its address, independent of the row's digest."""
    return base64.urlsafe_b64encode(waiting_digest[:16]).decode().rstrip("=")


def _origin(row: SignUp, vault: Vault) -> tuple[str, str | None, str]:
    country, via, of = json.loads(vault.open_origin(row.origin_sealed, place_of(row)))
    return country, via, of


def check_same_address(row: SignUp, signature: Signature, vault: Vault) -> None:
    """Raise CipherError if the signature that the form refers to belongs to another address.

    An attacker who can write SQL can change the reference, but not the two addresses.
    """
    if signature.email_sealed is None:
        return
    of = _origin(row, vault)[2]
    address = parse_address(vault.open_email(signature.email_sealed, place_of(signature)))
    # A second person's signature has a digest of its own; for the first, address rules may have changed since.
    for digest in (signature.address_digest, vault.address_digest(signature.appeal_id, address)):
        if digest is not None and hmac.compare_digest(of, address_fingerprint(vault.waiting_digest(digest))):
            return
    raise CipherError("a form names a signature that it has not become")


def _view(found: Any, vault: Vault) -> WaitingSignUpView:
    row, slug = found
    signature = None if row.signature_id is None else db.session.get(Signature, row.signature_id)
    if signature is not None:
        check_same_address(row, signature, vault)
    place = place_of(row)
    email = vault.open_email(row.email_sealed, place) if row.email_sealed else ""
    return WaitingSignUpView(
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
        signed_name=_signed_name(row.appeal_id, email, vault) if email else None,
        text=(row.text_language, row.text_version),
    )


def _signed_name(appeal_id: int, email: str, vault: Vault) -> str | None:
    digest = vault.address_digest(appeal_id, parse_address(email))
    chosen = select(Signature).where(Signature.address_digest == digest, Signature.confirmed_at.is_not(None))
    signature = db.session.scalars(chosen).one_or_none()
    if signature is None or signature.name_sealed is None or signature.state != "confirmed":
        return None
    return vault.open_name(signature.name_sealed, place_of(signature))
