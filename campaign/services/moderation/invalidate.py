"""Invalidation of many signatures, and its reversal: batch by batch, with exact counts after each batch.

A batch is one transaction: it changes the signatures, removes or restores their actions, changes the tallies by the
same quantities, and stores its progress. If a worker dies, another one continues after the last batch.
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
from campaign.services.counting.tally import hour_of
from campaign.services.handover.handover import outdate
from campaign.services.keys.row_key import erase_keys, new_slots
from campaign.services.moderation.invalidate_reports import (
    TALLY_COLUMNS,
    adjust_tallies,
    count_batch,
    invalidate_batch,
    newest_report,
    restore_batch,
)
from campaign.services.staff.audit import AuditRecord, append, without_addresses

# Rows per transaction: few enough that nobody who signs meanwhile waits noticeably for the locks.
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
    subject: InvalidatedKind = InvalidatedKind.SIGNATURES,
) -> int:
    """Store a new invalidation and return its id; workers then count its matches. No signature changes.

    Raises InputError (`criteria`: empty), NotFoundError (not for this role).
    """
    if criteria.is_empty:
        raise InputError("criteria", "missing", "nothing is chosen by: it would concern everybody")
    by, vault = context.actor.staff_scope, context.vault
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        if subject is InvalidatedKind.REPORTS:
            newest = newest_report(session, by.section)
        else:
            newest = session.scalar(select(func.max(Signature.id)).where(Signature.section_code == by.section))
        slot = new_slots(session.connection(), vault)[0]
        row = Invalidation(
            kind=subject.value,
            section_code=by.section,
            appeal_id=appeal_id,
            criteria_sealed=vault.seal_context(pack_criteria(criteria), at_invalidation(by.section, by.staff_id), slot),
            staff_id=by.staff_id,
            created_at=context.now,
            until_id=newest or 0,
            sample=[],
        )
        session.add(row)
        session.flush()
        return row.id


def begin(invalidation_id: int, reason: str, *, context: Context) -> None:
    """Start invalidating the matches; workers do it. Raises NotFoundError, StateError (not counted yet, or begun)."""
    with transaction() as session:
        row = _locked(session, invalidation_id, context, InvalidationState.READY)
        row.state, row.after_id = InvalidationState.RUNNING, 0
        row.reason, row.begun_by, row.begun_at = without_addresses(reason), context.actor.staff_id, context.now
        _note(session, "invalidation.begin", row, {"matched": row.matched}, context=context, reason=reason)


def undo(invalidation_id: int, reason: str, *, context: Context) -> None:
    """Start restoring everything that was invalidated; workers do it. Raises NotFoundError, StateError (not done)."""
    with transaction() as session:
        row = _locked(session, invalidation_id, context, InvalidationState.DONE)
        row.state, row.after_id = InvalidationState.UNDOING, 0
        row.undone_by, row.undone_at, row.ended_at = context.actor.staff_id, context.now, None
        _note(session, "invalidation.undo", row, {"changed": row.changed}, context=context, reason=reason)


def drop(invalidation_id: int, *, context: Context) -> None:
    """Abandon an invalidation that has not begun, and erase its criteria. Raises NotFoundError, StateError (begun)."""
    with transaction() as session:
        row = _locked(session, invalidation_id, context, InvalidationState.COUNTING, InvalidationState.READY)
        erase_keys(session, [row.criteria_sealed], context.vault, on=context.now.date())
        row.state, row.ended_at, row.criteria_sealed = InvalidationState.DROPPED, context.now, None


def has_work() -> bool:
    """Return whether any batch is waiting. Workers ask each second, so this only reads."""
    waiting = db.session.execute(select(Invalidation.id).where(Invalidation.state.in_(ACTIVE_STATES)).limit(1)).first()
    db.session.rollback()
    return waiting is not None


def advance(*, context: Context, only: int | None = None, batch: int = BATCH_SIZE) -> bool:
    """Process the next batch of the oldest invalidation at work, or of `only`; return False if there is none."""
    with transaction() as session:
        chosen = select(Invalidation).where(Invalidation.state.in_(ACTIVE_STATES))
        if only is not None:
            chosen = chosen.where(Invalidation.id == only)
        row = session.scalars(
            chosen.order_by(Invalidation.id).limit(1).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
        ).first()
        if row is None:
            return False
        work = {"counting": _look, "running": _take_out, "undoing": _put_back}[row.state]
        if row.kind == InvalidatedKind.REPORTS:
            work = {"counting": count_batch, "running": invalidate_batch, "undoing": restore_batch}[row.state]
        is_over = work(session, row, context.vault, context.now, batch)
        if is_over:
            _end(session, row, context=context)
    return True


def _look(session: Session, row: Invalidation, vault: Vault, now: datetime, batch: int) -> bool:
    matches, is_last = _next(session, row, vault, now, batch, is_locked=False)
    row.matched += len(matches)
    row.matched_confirmed += sum(state == SignatureState.CONFIRMED for _, state in matches)
    row.sample = [*row.sample, *(signature_id for signature_id, _ in matches[: SAMPLE_SIZE - len(row.sample)])]
    return is_last


def _take_out(session: Session, row: Invalidation, vault: Vault, now: datetime, batch: int) -> bool:
    matches, is_last = _next(session, row, vault, now, batch, is_locked=True)
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


def _put_back(session: Session, row: Invalidation, _vault: Vault, _now: datetime, batch: int) -> bool:
    invalidated = Signature.invalidation_id == row.id, Signature.id > row.after_id
    ids = session.scalars(
        select(Signature.id).where(*invalidated).order_by(Signature.id).limit(batch).with_for_update(**NO_KEY_UPDATE)
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
    return len(ids) < batch


def _next(
    session: Session, row: Invalidation, vault: Vault, now: datetime, batch: int, *, is_locked: bool
) -> tuple[list[tuple[int, str]], bool]:
    """Return the next matches (id and state), and whether no more are left; store the progress in the row."""
    if row.criteria_sealed is None:
        return [], True
    try:
        criteria = unpack_criteria(vault.open_context(row.criteria_sealed, place_of(row)))
    except CipherError:
        return [], True  # its key was erased: the criteria cannot be read any more
    places = Signature.appeal_id, Signature.address_digest, Signature.link_key
    chosen = select(Signature.id, Signature.state, Signature.email_sealed, *places).where(
        *_conditions(row, criteria, vault), *_times(criteria, now)
    )
    chosen = chosen.order_by(Signature.id).limit(batch)
    rows = session.execute(chosen.with_for_update(**NO_KEY_UPDATE) if is_locked else chosen).all()
    if rows:
        row.after_id = rows[-1].id
    return [(match.id, match.state) for match in rows if _fits(criteria, match, vault)], len(rows) < batch


def _conditions(row: Invalidation, criteria: Criteria, vault: Vault) -> list[ColumnElement[bool]]:
    """Return the conditions of the query: all criteria but the pattern, since addresses are encrypted.

    The section is that of the member of staff who prepared it.
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
        # The digest covers all hosts of the owner, and is erased after a month: `_fits` compares the address itself.
        conditions.append(or_(Signature.domain_digest.in_(digests), Signature.domain_digest.is_(None)))
    if criteria.network is not None:
        conditions.append(Signature.network_digest == bytes.fromhex(criteria.network))
    return conditions


def _times(criteria: Criteria, now: datetime) -> list[ColumnElement[bool]]:
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


def _fits(criteria: Criteria, row: Any, vault: Vault) -> bool:
    if criteria.pattern is None and not criteria.all_domains:
        return True
    place = at_signature(row.appeal_id, row.address_digest, row.link_key)
    try:
        address = "" if row.email_sealed is None else vault.open_email(row.email_sealed, place)
    except CipherError:
        return False
    return bool(address) and criteria.is_of_domain(address.rpartition("@")[2]) and criteria.matches(address)


def _end(session: Session, row: Invalidation, *, context: Context) -> None:
    ended = {
        "counting": InvalidationState.READY,
        "running": InvalidationState.DONE,
        "undoing": InvalidationState.UNDONE,
    }
    is_counted = row.state == InvalidationState.COUNTING
    row.state = ended[row.state]
    if not is_counted:
        row.ended_at = context.now
        _note(session, f"invalidation.{row.state}", row, {"changed": row.changed}, context=context)


def _locked(session: Session, invalidation_id: int, context: Context, *states: InvalidationState) -> Invalidation:
    by = context.actor.staff_scope
    context.actor.require(Permission.EDIT)
    row = session.get(Invalidation, invalidation_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if row is None or row.section_code != by.section:
        raise NotFoundError("there is no such invalidation")
    if row.state not in states:
        raise StateError(f"the invalidation is {row.state}")
    return row


def _note(
    session: Session,
    act: str,
    row: Invalidation,
    after: dict[str, Any],
    *,
    context: Context,
    reason: str | None = None,
) -> None:
    record = AuditRecord(
        act,
        f"invalidation:{row.id}",
        row.section_code,
        after={**after, "appeal": row.appeal_id},
        reason=reason,
    )
    append(session, record, context=context)
