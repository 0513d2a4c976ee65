"""Operations on one signature that several services share: locking, counting, consent and erasure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import NotFoundError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.domain.signing.signature import CONSENT_WORDING
from campaign.models import Action, Consent, ErasureJournalEntry, InvalidatedAction, Signature, Tombstone
from campaign.platform.database.clock import TruncatedToDay
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.queries.signing.signature import last_consent
from campaign.services.counting.tally import TallyCell, hour_of, move_to_day

# The columns that link a signature to a person, with their values after erasure. Times are truncated to the day, which
# the history of counts needs.
ERASED_COLUMNS: dict[str, Any] = {
    "country": "",
    "signed_at": TruncatedToDay(Signature.signed_at),
    "confirmed_at": TruncatedToDay(Signature.confirmed_at),
    "ended_at": TruncatedToDay(Signature.ended_at),
    "address_digest": None,
    "name_sealed": None,
    "email_sealed": None,
    "network_digest": None,
    "domain_digest": None,
    "wants_updates": False,
    "shares_name": False,
    "link_key": None,
}
ERASED_CONSENT_COLUMNS: dict[str, Any] = {"given_at": TruncatedToDay(Consent.given_at)}
# Saves time: the session has loaded none of the actions.
_NO_SYNC: dict[str, Any] = {"synchronize_session": False}


def lock_signature(session: Session, signature_id: int) -> Signature:
    """Return the signature, locked until the transaction ends. Raises NotFoundError where it was erased."""
    signature = session.get(Signature, signature_id, with_for_update=NO_KEY_UPDATE)
    if signature is None or signature.address_digest is None:
        raise NotFoundError("this signature has been erased")
    return signature


def was_counted(session: Session, appeal_id: int, address_digest: bytes, vault: Vault) -> bool:
    """Return whether the address with that digest was counted under the appeal before it was erased."""
    tombstone = select(Tombstone.appeal_id).where(
        Tombstone.appeal_id == appeal_id, Tombstone.address_digest == vault.tombstone_digest(address_digest)
    )
    return session.execute(tombstone).first() is not None


def is_counted(session: Session, signature: Signature) -> bool:
    """Return whether the signature is in the counts now."""
    action = select(Action.id).where(Action.signature_id == signature.id, Action.channel == Channel.SIGNATURE)
    return session.execute(action).first() is not None


def store_tombstone(session: Session, signature: Signature, now: datetime, vault: Vault) -> None:
    """Store a tombstone for the signature's address: when that address signs again, it is not counted a second time."""
    appeal_id, digest = signature.appeal_id, signature.address_digest or b""
    if not was_counted(session, appeal_id, digest, vault):
        tombstone = {"appeal_id": appeal_id, "address_digest": vault.tombstone_digest(digest)}
        tombstone["erased_at"] = now.replace(hour=0, minute=0, second=0, microsecond=0)
        session.execute(insert(Tombstone), tombstone)


def consent_columns(session: Session, signature: Signature, now: datetime, *, to_appeal: bool) -> dict[str, object]:
    """Return the columns of a new consent with the signature's current choices, about the text that was signed."""
    previous = last_consent(session, signature)
    return {
        "signature_id": signature.id,
        "given_at": hour_of(now),
        "text_language": previous.text_language,
        "text_version": previous.text_version,
        "locale": signature.locale,
        "wording": CONSENT_WORDING,
        "to_appeal": to_appeal,
        "to_updates": signature.wants_updates,
        "to_sharing_name": signature.shares_name,
    }


def note_erasure(session: Session, kind: ErasureKind, signature: Signature, now: datetime, vault: Vault) -> None:
    """Store an entry in the erasure journal, in the caller's transaction.

    With it, restoring an older backup does not undo the erasure. Raises NotFoundError where the signature was erased
    before.
    """
    if signature.address_digest is None:
        raise NotFoundError("this signature has been erased")
    note_address_erasure(session, kind, signature.appeal_id, signature.address_digest, signature.signed_at, now, vault)


def note_address_erasure(
    session: Session,
    kind: ErasureKind,
    appeal_id: int,
    address_digest: bytes,
    signed_at: datetime,
    now: datetime,
    vault: Vault,
) -> None:
    """Store an entry as `note_erasure` does, for an address that is known by its digest under the appeal."""
    values = {
        "kind": kind.value,
        "appeal_id": appeal_id,
        "address_digest": vault.journal_digest(address_digest),
        "signed_at": signed_at,
        "happened_at": now,
    }
    session.connection().execute(insert(ErasureJournalEntry), values)


def truncate_times(session: Session, signature_ids: Collection[int]) -> None:
    """Truncate the times of all actions of these signatures to the day (UTC), also in the history of counts.

    No total and no day's count changes. Call it with the signatures locked, so that no action is added meanwhile, and
    in the same transaction before the signatures are emptied or deleted.
    """
    finer_than_day = Action.signature_id.in_(signature_ids), Action.counted_at != TruncatedToDay(Action.counted_at)
    columns = Action.appeal_id, Action.section_code, Action.channel, Action.evidence, Action.counted_at, Action.quantity
    moved: Counter[tuple[TallyCell, datetime]] = Counter()
    for appeal, section, channel, evidence, counted_at, quantity in session.execute(
        select(*columns).where(*finer_than_day)
    ):
        moved[TallyCell(appeal, section, channel, evidence), hour_of(counted_at)] += quantity
    if moved:
        truncated = update(Action).where(*finer_than_day).values(counted_at=TruncatedToDay(Action.counted_at))
        session.execute(truncated, execution_options=_NO_SYNC)
        move_to_day(session.connection(), moved)
    # Invalidated actions are not in the history of counts. Restoring one counts it on its day.
    invalidated = update(InvalidatedAction).where(InvalidatedAction.signature_id.in_(signature_ids))
    session.execute(
        invalidated.values(counted_at=TruncatedToDay(InvalidatedAction.counted_at)), execution_options=_NO_SYNC
    )
