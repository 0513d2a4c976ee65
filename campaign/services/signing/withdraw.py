"""The withdrawal of a signature: it is taken out of the counts, and its consents end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.domain.signing.signature import SignatureState
from campaign.models import Action, Consent, Signature
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.counting.tally import TallyCell, count, hour_of
from campaign.services.handover.handover import outdate
from campaign.services.signing.signature import consent_columns, lock_signature, note_erasure


def withdraw(signature_id: int, *, context: Context) -> None:
    """Withdraw the signature and take it out of the counts. Repeating it changes nothing. Raises NotFoundError."""
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if withdraw_row(session, signature, context.now, context.vault):
            note_erasure(session, ErasureKind.WITHDRAWN, signature, context.now, context.vault)


def withdraw_row(session: Session, signature: Signature, now: datetime, vault: Vault) -> bool:
    """Withdraw a locked signature, in the caller's transaction; return False where it was withdrawn or invalidated."""
    if signature.state not in {SignatureState.PENDING, SignatureState.CONFIRMED}:
        return False
    _uncount(session, signature)
    signature.state = SignatureState.WITHDRAWN
    signature.ended_at = hour_of(now)
    if signature.shares_name:
        outdate(session, signature.appeal_id, signature.section_code, vault=vault, on=now.date())
    signature.wants_updates = signature.shares_name = False
    session.connection().execute(insert(Consent), consent_columns(session, signature, now, to_appeal=False))
    return True


def _uncount(session: Session, signature: Signature) -> None:
    """Delete the action of the signature, and take it out of the tally."""
    connection = session.connection()
    deleted = connection.execute(
        delete(Action)
        .where(Action.signature_id == signature.id, Action.channel == Channel.SIGNATURE)
        .returning(Action.counted_at, Action.section_code)
    ).all()
    for counted_at, section_code in deleted:
        cell = TallyCell(signature.appeal_id, section_code, Channel.SIGNATURE, Evidence.VERIFIED)
        count(connection, cell, counted_at, -1)
