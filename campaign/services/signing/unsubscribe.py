"""Unsubscribing from updates about cases, by the link that each such mail contains (RFC 8058).

Unsubscribing withdraws the signature's consent to updates, just as the page of the signer's own data does. The consent
is given again by signing again with it, once the mailbox has confirmed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.signature import SignatureState
from campaign.models import Consent, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.person import digests_of_address
from campaign.services.signing.signature import consent_columns, note_erasure


def unsubscribe(signature_id: int, *, everywhere: bool, context: Context) -> int:
    """End the updates to the signature's address; return how many signatures changed.

    The updates of the signature's section end, or those of all sections if `everywhere`. Repeating it changes nothing.
    An erased signature changes nothing and raises nothing. Where the address cannot be decrypted, only this signature
    changes.
    """
    with transaction() as session:
        linked = session.get(Signature, signature_id)
        if linked is None or linked.address_digest is None:
            return 0
        query = select(Signature).where(Signature.address_digest.in_(_digests(session, linked, context.vault)))
        query = query.where(Signature.wants_updates)
        if not everywhere:
            query = query.where(Signature.section_code == linked.section_code)
        signatures = session.scalars(query.order_by(Signature.id).with_for_update(**NO_KEY_UPDATE)).all()
        for signature in signatures:
            end_updates(session, signature, context.now)
            note_erasure(session, ErasureKind.UPDATES_ENDED, signature, context.now, context.vault)
    return len(signatures)


def _digests(session: Session, signature: Signature, vault: Vault) -> list[bytes]:
    """Return the digests of the signature's address under all appeals; only its own where it cannot be decrypted."""
    try:
        address = parse_address(vault.open_email(signature.email_sealed or b"", place_of(signature)))
    except CipherError:
        return [] if signature.address_digest is None else [signature.address_digest]
    return digests_of_address(session, address, vault)


def end_updates(session: Session, signature: Signature, now: datetime) -> None:
    """End the updates to this signature, in the caller's transaction."""
    signature.wants_updates = False
    agrees = signature.state in {SignatureState.PENDING, SignatureState.CONFIRMED}
    session.connection().execute(insert(Consent), consent_columns(session, signature, now, to_appeal=agrees))
