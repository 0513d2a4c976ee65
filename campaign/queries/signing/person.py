"""The digests by which an address is found.

An address has a different digest under each appeal, so that rows of a stolen table cannot be linked to each other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address
from campaign.domain.signing.mail_domain import owner_domain
from campaign.models import Appeal, Signature
from campaign.models.privacy.sealed_columns import place_of


def digests_of_address(session: Session | scoped_session[Any], address: Address, vault: Vault) -> list[bytes]:
    """Return the address's digests under all appeals, with those for a second person of the mailbox.

    Each digest takes a microsecond.
    """
    digests = vault.address_digests(session.scalars(select(Appeal.id)), address)
    return [*digests, *map(vault.second_digest, digests)]


def domain_of(signature: Signature | None, vault: Vault) -> str | None:
    """Return the mail domain of the signature's address; None if it was erased. Raises CipherError."""
    if signature is None or signature.email_sealed is None:
        return None
    return vault.open_email(signature.email_sealed, place_of(signature)).rpartition("@")[2]


def owner_domain_of(signature: Signature | None, vault: Vault) -> str | None:
    """Return the owner's part of the domain of the signature's address; None if it was erased. Raises CipherError."""
    domain = domain_of(signature, vault)
    return None if domain is None else owner_domain(domain)
