"""Changes of the consents that a signer gave: updates about the case, and handing over the name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.models import Consent, Signature
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.handover.handover import outdate
from campaign.services.signing.signature import consent_columns, lock_signature, note_erasure


def set_updates(signature_id: int, *, is_wanted: bool, context: Context) -> None:
    """Store whether the signer wants updates about the case. Raises NotFoundError."""
    now = context.now
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if signature.wants_updates != is_wanted:
            signature.wants_updates = is_wanted
            session.connection().execute(insert(Consent), consent_columns(session, signature, now, to_appeal=True))
            if not is_wanted:
                note_erasure(session, ErasureKind.UPDATES_ENDED, signature, now, context.vault)


def set_sharing(signature_id: int, *, is_wanted: bool, context: Context) -> None:
    """Store whether the name may be on the list that is handed over. Raises NotFoundError."""
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if signature.shares_name != is_wanted:
            set_name_sharing(session, signature, context.now, context.vault, is_wanted=is_wanted)
            if not is_wanted:
                note_erasure(session, ErasureKind.SHARING_ENDED, signature, context.now, context.vault)


def set_name_sharing(session: Session, signature: Signature, now: datetime, vault: Vault, *, is_wanted: bool) -> None:
    """Store whether the name of a locked signature may be handed over, in the caller's transaction."""
    signature.shares_name = is_wanted
    if not is_wanted:
        outdate(session, signature.appeal_id, signature.section_code, vault=vault, on=now.date())
    session.connection().execute(insert(Consent), consent_columns(session, signature, now, to_appeal=True))


def add_consents(session: Session, signature: Signature, now: datetime, *, updates: bool, shares_name: bool) -> None:
    """Add the given consents to the locked signature, in the caller's transaction. No consent is removed."""
    consents = updates or signature.wants_updates, shares_name or signature.shares_name
    if consents != (signature.wants_updates, signature.shares_name):
        signature.wants_updates, signature.shares_name = consents
        session.connection().execute(insert(Consent), consent_columns(session, signature, now, to_appeal=True))
