"""Queries for sign-ups that wait for confirmation, used by the page that confirms and by its mail."""

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
    """A sign-up with its decrypted name and address, which are empty once it is confirmed.

    `signature_id` is the signature that it became. `signed_name` is the name in the confirmed signature of its address.
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
        """Return whether confirming either sign-up would show the same contents, so that either link may be used."""
        contents = self.name, self.country, self.locale, self.text
        return contents == (other.name, other.country, other.locale, other.text)


def find_sign_up(sign_up_id: int, vault: Vault) -> WaitingSignUpView | None:
    """Return the sign-up; None if it was deleted. Raises CipherError."""
    row = db.session.execute(_WITH_SLUG.where(SignUp.id == sign_up_id)).one_or_none()
    return None if row is None else _view(row, vault)


def newest_of_address(sign_up: WaitingSignUpView, vault: Vault) -> WaitingSignUpView:
    """Return the newest sign-up of the same address and appeal, which may be the given one. Raises CipherError."""
    if not sign_up.email:
        return sign_up
    digest = vault.waiting_digest(vault.address_digest(sign_up.appeal_id, parse_address(sign_up.email)))
    newest = _WITH_SLUG.where(SignUp.appeal_id == sign_up.appeal_id, SignUp.address_digest == digest)
    row = db.session.execute(newest).one_or_none()
    return sign_up if row is None else _view(row, vault)


def superseded_by(sign_up: WaitingSignUpView, vault: Vault) -> tuple[WaitingSignUpView, ...]:
    """Return the waiting sign-ups that the given one has superseded. Raises CipherError."""
    if not sign_up.email:
        return ()
    digests = vault.superseded_digests(vault.address_digest(sign_up.appeal_id, parse_address(sign_up.email)))
    query = _WITH_SLUG.where(SignUp.appeal_id == sign_up.appeal_id, SignUp.address_digest.in_(digests))
    rows = db.session.execute(query.where(SignUp.signature_id.is_(None), SignUp.flag.is_(None))).all()
    return tuple(_view(row, vault) for row in rows)


def form_contents(row: SignUp, vault: Vault) -> tuple[Any, ...]:
    """Return all that the page shows when the sign-up is confirmed, to compare two sign-ups. Raises CipherError."""
    name = vault.open_name(row.name_sealed, place_of(row)) if row.name_sealed else ""
    return name, origin_of(row, vault)[0], row.locale, row.text_language, row.text_version


def waiting_sign_ups(address: Address, vault: Vault) -> tuple[WaitingSignUpView, ...]:
    """Return the sign-ups of the address that can be confirmed, the oldest first. Raises CipherError.

    Sign-ups that look like part of a flood are left out, because they get no mail either.
    """
    digests = [vault.waiting_digest(digest) for digest in digests_of_address(db.session, address, vault)]
    query = _WITH_SLUG.where(
        SignUp.address_digest.in_(digests),
        SignUp.signature_id.is_(None),
        SignUp.flag.is_(None),
        Appeal.state != AppealState.STOPPED,
    )
    rows = db.session.execute(query.order_by(SignUp.signed_at, SignUp.id)).all()
    sign_ups = tuple(_view(row, vault) for row in rows)
    if any(parse_address(sign_up.email).identity != address.identity for sign_up in sign_ups):
        raise CipherError("a sign-up is stored under the digest of another address")
    return sign_ups


def other_sign_ups(sign_up: WaitingSignUpView, vault: Vault) -> tuple[WaitingSignUpView, ...]:
    """Return the other waiting sign-ups of the sign-up's address. Raises CipherError."""
    if not sign_up.email:
        return ()
    return tuple(other for other in waiting_sign_ups(parse_address(sign_up.email), vault) if other.id != sign_up.id)


_WITH_SLUG = select(SignUp, Appeal.slug).join(Appeal, Appeal.id == SignUp.appeal_id)


def origin_of(row: SignUp, vault: Vault) -> tuple[str, str | None]:
    """Return the sign-up's country and the source tag of its link. Raises CipherError."""
    country, via, _fingerprint = _origin(row, vault)
    return country, via


def address_fingerprint(waiting_digest: bytes) -> str:
    """Return 22 characters that identify an address. They are sealed in a form, while its row's digest may change."""
    return base64.urlsafe_b64encode(waiting_digest[:16]).decode().rstrip("=")


def _origin(row: SignUp, vault: Vault) -> tuple[str, str | None, str]:
    """Return the sealed country, source tag and fingerprint of the address."""
    country, via, fingerprint = json.loads(vault.open_origin(row.origin_sealed, place_of(row)))
    return country, via, fingerprint


def check_same_address(row: SignUp, signature: Signature, vault: Vault) -> None:
    """Raise CipherError if the signature that the form refers to belongs to another address.

    An attacker who can write to the database can change the reference, but not the two sealed addresses.
    """
    if signature.email_sealed is None:
        return
    fingerprint = _origin(row, vault)[2]
    address = parse_address(vault.open_email(signature.email_sealed, place_of(signature)))
    # The signature's own digest is needed for the second person of a mailbox. The digest of the address is needed where
    # rules for addresses have changed since.
    for digest in (signature.address_digest, vault.address_digest(signature.appeal_id, address)):
        if digest is not None and hmac.compare_digest(fingerprint, address_fingerprint(vault.waiting_digest(digest))):
            return
    raise CipherError("a form refers to the signature of another address")


def _view(joined_row: Any, vault: Vault) -> WaitingSignUpView:
    """Return the sign-up of a row of `_WITH_SLUG`. Raises CipherError."""
    row, slug = joined_row
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
    """Return the name in the address's confirmed signature under the appeal; None if there is none."""
    digest = vault.address_digest(appeal_id, parse_address(email))
    query = select(Signature).where(Signature.address_digest == digest, Signature.confirmed_at.is_not(None))
    signature = db.session.scalars(query).one_or_none()
    if signature is None or signature.name_sealed is None or signature.state != "confirmed":
        return None
    return vault.open_name(signature.name_sealed, place_of(signature))
