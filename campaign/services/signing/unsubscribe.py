"""Ending the mail about how cases go on, by the link that each such mail carries (RFC 8058).

There is one concept: the consent to updates that each signature keeps. Ending it here records the change as ending it
on the page of one's data does; signing again with that consent begins anew, once the mailbox has confirmed it.
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
from campaign.queries.signing.person import digests_everywhere
from campaign.services.signing.signature import consent_record, note_erasure


def unsubscribe(signature_id: int, *, everywhere: bool, context: Context) -> int:
    """Ends the updates to the signature's address, of its section or of all; returns how many signatures that changed.

    Repeating it changes nothing, and neither does an erased signature: nothing is raised. Where the address cannot be
    opened any more, that one signature is meant.
    """
    with transaction() as session:
        one = session.get(Signature, signature_id)
        if one is None or one.address_digest is None:
            return 0
        same = select(Signature).where(Signature.address_digest.in_(_digests(session, one, context.vault)))
        same = same.where(Signature.wants_updates)
        if not everywhere:
            same = same.where(Signature.section_code == one.section_code)
        found = session.scalars(same.order_by(Signature.id).with_for_update(**NO_KEY_UPDATE)).all()
        for signature in found:
            end_updates(session, signature, context.now)
            note_erasure(session, ErasureKind.UPDATES_ENDED, signature, context.now, context.vault)
    return len(found)


def _digests(session: Session, one: Signature, vault: Vault) -> list[bytes]:
    try:
        address = parse_address(vault.open_email(one.email_sealed or b"", place_of(one)))
    except CipherError:
        return [] if one.address_digest is None else [one.address_digest]
    return digests_everywhere(session, address, vault)


def end_updates(session: Session, signature: Signature, now: datetime) -> None:
    """No more updates to this signature, in the caller's transaction."""
    signature.wants_updates = False
    agrees = signature.state in {SignatureState.PENDING, SignatureState.CONFIRMED}
    session.connection().execute(insert(Consent), consent_record(session, signature, now, to_appeal=agrees))
