"""Invalidation of many signatures, and its reversal, in batches; the counts are exact after each batch.

A batch is one transaction. It changes the signatures, removes or restores their actions, changes the tallies by the
same quantities, and stores the progress. If a worker dies, another one continues after the last batch.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError, InputError, NotFoundError, StateError
from campaign.domain.moderation.invalidation import (
    ACTIVE_STATES,
    Criteria,
    InvalidatedKind,
    InvalidationState,
    pack_criteria,
    read_invalidation_reason,
    unpack_criteria,
)
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_invalidation, at_signature
from campaign.domain.signing.signature import SignatureState
from campaign.domain.staff.roles import Permission
from campaign.models import Action, InvalidatedAction, Invalidation, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.moderation.erased import uncleared_appeals
from campaign.queries.privacy.month_key import month_digests
from campaign.services.counting.tally import TALLY_COLUMNS, adjust_tallies, hour_of
from campaign.services.handover.handover import outdate
from campaign.services.keys.row_key import erase_keys, new_slots
from campaign.services.moderation.invalidate_reports import (
    count_batch,
    invalidate_batch,
    newest_report,
    restore_batch,
)
from campaign.services.staff.audit import AuditRecord, append, without_addresses

# Rows per transaction: few enough that signers who wait for the locks do not notice it.
BATCH_SIZE = 5000
SAMPLE_SIZE = 20
# States that can be invalidated; a withdrawn signature is not counted.
_COUNTED_STATES = (SignatureState.PENDING.value, SignatureState.CONFIRMED.value)
_MOVED_COLUMNS = (
    "id",
    "appeal_id",
    "channel",
    "evidence",
    "quantity",
    "signature_id",
    "target",
    "happened_on",
    "counted_at",
)
_NO_SYNCHRONIZE = {"synchronize_session": False}


def add_invalidation(
    criteria: Criteria,
    appeal_id: int | None,
    *,
    context: Context,
    kind: InvalidatedKind = InvalidatedKind.SIGNATURES,
) -> int:
    """Store a new invalidation and return its id. Workers then count the matches; nothing else changes yet.

    Raises InputError (`criteria`: empty), NotFoundError (not for this role).
    """
    if criteria.is_empty:
        raise InputError("criteria", "missing", "there are no criteria: everybody would be selected")
    scope, vault = context.actor.staff_scope, context.vault
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        if kind is InvalidatedKind.REPORTS:
            newest_id = newest_report(session, scope.section)
        else:
            newest_id = session.scalar(select(func.max(Signature.id)).where(Signature.section_code == scope.section))
        slot = new_slots(session.connection(), vault)[0]
        row = Invalidation(
            kind=kind.value,
            section_code=scope.section,
            appeal_id=appeal_id,
            criteria_sealed=vault.seal_context(
                pack_criteria(criteria), at_invalidation(scope.section, scope.staff_id), slot
            ),
            staff_id=scope.staff_id,
            created_at=context.now,
            until_id=newest_id or 0,
            sample=[],
        )
        session.add(row)
        session.flush()
        return row.id


def begin(invalidation_id: int, reason: str, *, context: Context) -> None:
    """Begin the invalidation, which workers then run.

    Raises InputError (`reason`), NotFoundError, StateError (not counted yet, or begun).
    """
    reason = read_invalidation_reason(reason)
    with transaction() as session:
        row = _find_locked(session, invalidation_id, context, InvalidationState.READY)
        row.state, row.after_id = InvalidationState.RUNNING, 0
        row.reason, row.begun_by, row.begun_at = without_addresses(reason), context.actor.staff_id, context.now
        _append_audit(session, "invalidation.begin", row, {"matched": row.matched}, context=context, reason=reason)


def undo(invalidation_id: int, reason: str, *, context: Context) -> None:
    """Begin to undo the invalidation, which workers then run.

    Raises InputError (`reason`), NotFoundError, StateError (not done).
    """
    reason = read_invalidation_reason(reason)
    with transaction() as session:
        row = _find_locked(session, invalidation_id, context, InvalidationState.DONE)
        row.state, row.after_id = InvalidationState.UNDOING, 0
        row.undone_by, row.undone_at, row.ended_at = context.actor.staff_id, context.now, None
        _append_audit(session, "invalidation.undo", row, {"changed": row.changed}, context=context, reason=reason)


def drop(invalidation_id: int, *, context: Context) -> None:
    """Discard an invalidation that has not begun, and erase its criteria. Raises NotFoundError, StateError (begun)."""
    with transaction() as session:
        row = _find_locked(session, invalidation_id, context, InvalidationState.COUNTING, InvalidationState.READY)
        erase_keys(session, [row.criteria_sealed], context.vault, on=context.now.date())
        row.state, row.ended_at, row.criteria_sealed = InvalidationState.DROPPED, context.now, None


def has_work() -> bool:
    """Return whether a batch waits. Workers call this each second, so it only reads."""
    waiting = db.session.execute(select(Invalidation.id).where(Invalidation.state.in_(ACTIVE_STATES)).limit(1)).first()
    db.session.rollback()
    return waiting is not None


def advance(*, context: Context, only: int | None = None, batch_size: int = BATCH_SIZE) -> bool:
    """Process the next batch of the oldest active invalidation, or of the one with the id `only`.

    Return False if there is none, or other workers have locked it.
    """
    with transaction() as session:
        query = select(Invalidation).where(Invalidation.state.in_(ACTIVE_STATES))
        if only is not None:
            query = query.where(Invalidation.id == only)
        row = session.scalars(
            query.order_by(Invalidation.id).limit(1).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
        ).first()
        if row is None:
            return False
        process = {"counting": _count_batch, "running": _invalidate_batch, "undoing": _restore_batch}[row.state]
        if row.kind == InvalidatedKind.REPORTS:
            process = {"counting": count_batch, "running": invalidate_batch, "undoing": restore_batch}[row.state]
        is_complete = process(session, row, context.vault, context.now, batch_size)
        if is_complete:
            _complete(session, row, context=context)
    return True


def _count_batch(session: Session, row: Invalidation, vault: Vault, now: datetime, batch_size: int) -> bool:
    """Count the next matches; return whether no more remain."""
    matches, is_last = _next_matches(session, row, vault, now, batch_size, is_locked=False)
    row.matched += len(matches)
    row.matched_confirmed += sum(state == SignatureState.CONFIRMED for _, state in matches)
    row.sample = [*row.sample, *(signature_id for signature_id, _ in matches[: SAMPLE_SIZE - len(row.sample)])]
    return is_last


def _invalidate_batch(session: Session, row: Invalidation, vault: Vault, now: datetime, batch_size: int) -> bool:
    """Invalidate the next matches and remove their actions from the counts; return whether no more remain."""
    matches, is_last = _next_matches(session, row, vault, now, batch_size, is_locked=True)
    ids = [signature_id for signature_id, _ in matches]
    if ids:
        values = {"state": SignatureState.INVALIDATED.value, "ended_at": hour_of(now), "invalidation_id": row.id}
        session.execute(
            update(Signature).where(Signature.id.in_(ids)).values(values), execution_options=_NO_SYNCHRONIZE
        )
        of_batch = Action.signature_id.in_(ids)
        moved = select(*(getattr(Action, name) for name in _MOVED_COLUMNS), literal(row.id)).where(of_batch)
        session.execute(insert(InvalidatedAction).from_select([*_MOVED_COLUMNS, "invalidation_id"], moved))
        deleted = delete(Action).where(of_batch).returning(*TALLY_COLUMNS)
        adjust_tallies(session, session.execute(deleted, execution_options=_NO_SYNCHRONIZE).all(), -1)
        _outdate_lists(session, ids, row.section_code, vault, now)
        row.changed += len(ids)
    return is_last


def _outdate_lists(session: Session, ids: list[int], section_code: str, vault: Vault, now: datetime) -> None:
    """Mark handover lists as outdated that may name the invalidated signers."""
    named = select(Signature.appeal_id).where(Signature.id.in_(ids), Signature.shares_name).distinct()
    for appeal_id in session.scalars(named).all():
        outdate(session, appeal_id, section_code, vault=vault, on=now.date())


def _restore_batch(session: Session, row: Invalidation, _vault: Vault, _now: datetime, batch_size: int) -> bool:
    """Restore the next signatures and their actions to the counts; return whether no more remain."""
    invalidated = Signature.invalidation_id == row.id, Signature.id > row.after_id
    ids = session.scalars(
        select(Signature.id)
        .where(*invalidated)
        .order_by(Signature.id)
        .limit(batch_size)
        .with_for_update(**NO_KEY_UPDATE)
    ).all()
    if ids:
        # Restored to the signer's current section: the country may have changed since the invalidation.
        restored = select(*(getattr(InvalidatedAction, name) for name in _MOVED_COLUMNS), Signature.section_code)
        restored = restored.join(Signature, Signature.id == InvalidatedAction.signature_id).where(
            InvalidatedAction.signature_id.in_(ids)
        )
        session.execute(insert(Action).from_select([*_MOVED_COLUMNS, "section_code"], restored))
        session.execute(
            delete(InvalidatedAction).where(InvalidatedAction.signature_id.in_(ids)), execution_options=_NO_SYNCHRONIZE
        )
        counted = session.execute(select(*TALLY_COLUMNS).where(Action.signature_id.in_(ids))).all()
        adjust_tallies(session, counted, 1)
        earlier_state = case(
            (Signature.confirmed_at.is_not(None), SignatureState.CONFIRMED.value), else_=SignatureState.PENDING.value
        )
        values = {"state": earlier_state, "ended_at": None, "invalidation_id": None}
        session.execute(
            update(Signature).where(Signature.id.in_(ids)).values(values), execution_options=_NO_SYNCHRONIZE
        )
        row.after_id = ids[-1]
        row.changed -= len(ids)
    return len(ids) < batch_size


def _next_matches(
    session: Session, row: Invalidation, vault: Vault, now: datetime, batch_size: int, *, is_locked: bool
) -> tuple[list[tuple[int, str]], bool]:
    """Return the next matches (id and state), and whether no more remain; store the progress in the row."""
    if row.criteria_sealed is None:
        return [], True
    try:
        criteria = unpack_criteria(vault.open_context(row.criteria_sealed, place_of(row)))
    except CipherError:
        return [], True  # the key was erased, so the criteria cannot be decrypted any more
    place_columns = Signature.appeal_id, Signature.address_digest, Signature.link_key
    query = select(Signature.id, Signature.state, Signature.email_sealed, *place_columns).where(
        *_conditions(row, criteria, vault), *_time_conditions(criteria, now)
    )
    query = query.order_by(Signature.id).limit(batch_size)
    rows = session.execute(query.with_for_update(**NO_KEY_UPDATE) if is_locked else query).all()
    if rows:
        row.after_id = rows[-1].id
    return [(match.id, match.state) for match in rows if _matches(criteria, match, vault)], len(rows) < batch_size


def _conditions(row: Invalidation, criteria: Criteria, vault: Vault) -> list[ColumnElement[bool]]:
    """Return the criteria as conditions of the query, without the pattern, because addresses are encrypted.

    Only signatures of the invalidation's section fulfil them.
    """
    conditions: list[ColumnElement[bool]] = [
        Signature.section_code == row.section_code,
        Signature.id > row.after_id,
        Signature.id <= row.until_id,
        Signature.state.in_(_COUNTED_STATES),
    ]
    if row.appeal_id is not None:
        conditions.append(Signature.appeal_id == row.appeal_id)
    if criteria.ids:
        conditions.append(Signature.id.in_(criteria.ids))
    if criteria.all_domains:
        owners = {vault.owner_digest(domain) for domain in criteria.all_domains}
        digests = [digest for owner in owners for digest in month_digests(owner, "signature", vault)]
        # The digest is that of all the owner's hosts, and is erased after a month: `_matches` compares the address.
        conditions.append(or_(Signature.domain_digest.in_(digests), Signature.domain_digest.is_(None)))
    if criteria.network is not None:
        conditions.append(Signature.network_digest == bytes.fromhex(criteria.network))
    return conditions


def _time_conditions(criteria: Criteria, now: datetime) -> list[ColumnElement[bool]]:
    """Return the criteria of time as conditions, and the condition for erased signers if they are selected."""
    conditions: list[ColumnElement[bool]] = []
    moment: Any = Signature.signed_at
    if criteria.is_erased:
        moment = Signature.confirmed_at
        conditions = [
            Signature.address_digest.is_(None),
            uncleared_appeals(Signature.appeal_id, now, criteria.kept_days),
        ]
    if criteria.since is not None:
        conditions.append(moment >= criteria.since)
    if criteria.until is not None:
        conditions.append(moment < criteria.until)
    return conditions


def _matches(criteria: Criteria, row: Any, vault: Vault) -> bool:
    """Return whether the signature's address matches the pattern and the domains; False if it cannot be decrypted."""
    if criteria.pattern is None and not criteria.all_domains:
        return True
    place = at_signature(row.appeal_id, row.address_digest, row.link_key)
    try:
        address = "" if row.email_sealed is None else vault.open_email(row.email_sealed, place)
    except CipherError:
        return False
    return bool(address) and criteria.is_of_domain(address.rpartition("@")[2]) and criteria.matches(address)


def _complete(session: Session, row: Invalidation, *, context: Context) -> None:
    """Set the state after the last batch, and add it to the audit log unless only matches were counted."""
    next_states = {
        "counting": InvalidationState.READY,
        "running": InvalidationState.DONE,
        "undoing": InvalidationState.UNDONE,
    }
    was_counting = row.state == InvalidationState.COUNTING
    row.state = next_states[row.state]
    if not was_counting:
        row.ended_at = context.now
        _append_audit(session, f"invalidation.{row.state}", row, {"changed": row.changed}, context=context)


def _find_locked(session: Session, invalidation_id: int, context: Context, *states: InvalidationState) -> Invalidation:
    """Return the invalidation, locked.

    Raises NotFoundError if the staff member's section does not have it, StateError if it is in another state.
    """
    scope = context.actor.staff_scope
    context.actor.require(Permission.EDIT)
    row = session.get(Invalidation, invalidation_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if row is None or row.section_code != scope.section:
        raise NotFoundError("there is no such invalidation")
    if row.state not in states:
        raise StateError(f"the invalidation is {row.state}")
    return row


def _append_audit(
    session: Session,
    act: str,
    row: Invalidation,
    after: dict[str, Any],
    *,
    context: Context,
    reason: str | None = None,
) -> None:
    """Add the act to the audit log, with the invalidation as its subject."""
    record = AuditRecord(
        act,
        f"invalidation:{row.id}",
        row.section_code,
        after={**after, "appeal": row.appeal_id},
        reason=reason,
    )
    append(session, record, context=context)
