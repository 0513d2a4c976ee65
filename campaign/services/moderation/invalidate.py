"""Taking signatures out of the counts, many at once, and putting them back: batch by batch, exact after each.

A batch is one transaction: it changes signatures, takes out or puts back what was counted of them, changes the tallies
by as much, and notes how far it came. So a worker may die at any moment, and another one goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError, InputError, NotFoundError, StateError
from campaign.domain.moderation.invalidation import (
    AT_WORK,
    Criteria,
    InvalidatedKind,
    InvalidationState,
    packed,
    unpacked,
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
from campaign.queries.moderation.erased import kept_appeals
from campaign.queries.privacy.month_key import month_digests
from campaign.services.counting.tally import hour_of
from campaign.services.handover.handover import outdate
from campaign.services.keys.row_key import erase_keys, new_slots
from campaign.services.moderation.invalidate_reports import COUNTED, look, newest_report, put_back, recount, take_out
from campaign.services.staff.audit import AuditRecord, append, without_addresses

# Rows looked at in one transaction: short enough that nobody who signs meanwhile waits noticeably.
BATCH = 5000
SAMPLE = 20
# What can be taken out; a withdrawn signature counts nothing.
_TAKEN = (SignatureState.PENDING.value, SignatureState.CONFIRMED.value)
_MOVED = ("id", "appeal_id", "channel", "evidence", "quantity", "signature_id", "target", "happened_on", "counted_at")
_BLIND = {"synchronize_session": False}


def prepare(
    criteria: Criteria,
    appeal_id: int | None,
    *,
    context: Context,
    subject: InvalidatedKind = InvalidatedKind.SIGNATURES,
) -> int:
    """Begins to count whom it would concern, and returns its id. Changes nothing. Raises InputError (`criteria`)."""
    if criteria.is_empty:
        raise InputError("criteria", "missing", "nothing is chosen by: it would concern everybody")
    by, vault = context.actor.member, context.vault
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
            criteria_sealed=vault.seal_context(packed(criteria), at_invalidation(by.section, by.staff_id), slot),
            staff_id=by.staff_id,
            created_at=context.now,
            until_id=newest or 0,
            sample=[],
        )
        session.add(row)
        session.flush()
        return row.id


def begin(invalidation_id: int, reason: str, *, context: Context) -> None:
    """Lets it go on to take out what was counted. Raises NotFoundError, StateError (not counted yet, or begun)."""
    with transaction() as session:
        row = _own(session, invalidation_id, context, InvalidationState.READY)
        row.state, row.after_id = InvalidationState.RUNNING, 0
        row.reason, row.begun_by, row.begun_at = without_addresses(reason), context.actor.staff_id, context.now
        _tell(session, "invalidation.begin", row, {"matched": row.matched}, context=context, reason=reason)


def undo(invalidation_id: int, reason: str, *, context: Context) -> None:
    """Lets it put back everything it took out. Raises NotFoundError, StateError (not done)."""
    with transaction() as session:
        row = _own(session, invalidation_id, context, InvalidationState.DONE)
        row.state, row.after_id = InvalidationState.UNDOING, 0
        row.undone_by, row.undone_at, row.ended_at = context.actor.staff_id, context.now, None
        _tell(session, "invalidation.undo", row, {"changed": row.changed}, context=context, reason=reason)


def drop(invalidation_id: int, *, context: Context) -> None:
    """Lets it be. Raises NotFoundError, StateError (begun already)."""
    with transaction() as session:
        row = _own(session, invalidation_id, context, InvalidationState.COUNTING, InvalidationState.READY)
        erase_keys(session, [row.criteria_sealed], context.vault, on=context.now.date())
        row.state, row.ended_at, row.criteria_sealed = InvalidationState.DROPPED, context.now, None


def has_work() -> bool:
    """Whether a batch waits anywhere: asked each second, so without a write."""
    found = db.session.execute(select(Invalidation.id).where(Invalidation.state.in_(AT_WORK)).limit(1)).first()
    db.session.rollback()
    return found is not None


def advance(*, context: Context, only: int | None = None, batch: int = BATCH) -> bool:
    """Does the next batch of the oldest that has one (or of `only`); False where none was there to do."""
    with transaction() as session:
        chosen = select(Invalidation).where(Invalidation.state.in_(AT_WORK))
        if only is not None:
            chosen = chosen.where(Invalidation.id == only)
        row = session.scalars(
            chosen.order_by(Invalidation.id).limit(1).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
        ).first()
        if row is None:
            return False
        work = {"counting": _look, "running": _take_out, "undoing": _put_back}[row.state]
        if row.kind == InvalidatedKind.REPORTS:
            work = {"counting": look, "running": take_out, "undoing": put_back}[row.state]
        is_over = work(session, row, context.vault, context.now, batch)
        if is_over:
            _end(session, row, context=context)
    return True


def _look(session: Session, row: Invalidation, vault: Vault, now: datetime, batch: int) -> bool:
    found, is_last = _next(session, row, vault, now, batch, is_locked=False)
    row.matched += len(found)
    row.matched_confirmed += sum(state == SignatureState.CONFIRMED for _, state in found)
    row.sample = [*row.sample, *(one for one, _ in found[: SAMPLE - len(row.sample)])]
    return is_last


def _take_out(session: Session, row: Invalidation, vault: Vault, now: datetime, batch: int) -> bool:
    found, is_last = _next(session, row, vault, now, batch, is_locked=True)
    ids = [one for one, _ in found]
    if ids:
        values = {"state": SignatureState.INVALIDATED.value, "ended_at": hour_of(now), "invalidation_id": row.id}
        session.execute(update(Signature).where(Signature.id.in_(ids)).values(values), execution_options=_BLIND)
        mine = Action.signature_id.in_(ids)
        moved = select(*(getattr(Action, name) for name in _MOVED), literal(row.id)).where(mine)
        session.execute(insert(InvalidatedAction).from_select([*_MOVED, "invalidation_id"], moved))
        gone = delete(Action).where(mine).returning(*COUNTED)
        recount(session, session.execute(gone, execution_options=_BLIND).all(), -1)
        _outdate_lists(session, ids, row.section_code, vault, now)
        row.changed += len(ids)
    return is_last


def _outdate_lists(session: Session, ids: list[int], section_code: str, vault: Vault, now: datetime) -> None:
    """Who is taken out may stand on a list that was made to be handed over."""
    named = select(Signature.appeal_id).where(Signature.id.in_(ids), Signature.shares_name).distinct()
    for appeal_id in session.scalars(named).all():
        outdate(session, appeal_id, section_code, vault=vault, on=now.date())


def _put_back(session: Session, row: Invalidation, _vault: Vault, _now: datetime, batch: int) -> bool:
    mine = Signature.invalidation_id == row.id, Signature.id > row.after_id
    ids = session.scalars(
        select(Signature.id).where(*mine).order_by(Signature.id).limit(batch).with_for_update(**NO_KEY_UPDATE)
    ).all()
    if ids:
        # In the section that the signer belongs to now: the country may have been changed meanwhile.
        back = select(*(getattr(InvalidatedAction, name) for name in _MOVED), Signature.section_code)
        back = back.join(Signature, Signature.id == InvalidatedAction.signature_id).where(
            InvalidatedAction.signature_id.in_(ids)
        )
        session.execute(insert(Action).from_select([*_MOVED, "section_code"], back))
        session.execute(
            delete(InvalidatedAction).where(InvalidatedAction.signature_id.in_(ids)), execution_options=_BLIND
        )
        counted = session.execute(select(*COUNTED).where(Action.signature_id.in_(ids))).all()
        recount(session, counted, 1)
        was = case(
            (Signature.confirmed_at.is_not(None), SignatureState.CONFIRMED.value), else_=SignatureState.PENDING.value
        )
        values = {"state": was, "ended_at": None, "invalidation_id": None}
        session.execute(update(Signature).where(Signature.id.in_(ids)).values(values), execution_options=_BLIND)
        row.after_id = ids[-1]
        row.changed -= len(ids)
    return len(ids) < batch


def _next(
    session: Session, row: Invalidation, vault: Vault, now: datetime, batch: int, *, is_locked: bool
) -> tuple[list[tuple[int, str]], bool]:
    """The next ones it is about, with their states, and whether no more are left; notes how far it looked."""
    if row.criteria_sealed is None:
        return [], True
    try:
        criteria = unpacked(vault.open_context(row.criteria_sealed, place_of(row)))
    except CipherError:
        return [], True  # its key is gone: nobody can tell whom it meant
    places = Signature.appeal_id, Signature.address_digest, Signature.link_key
    chosen = select(Signature.id, Signature.state, Signature.email_sealed, *places).where(
        *_conditions(row, criteria, vault), *_times(criteria, now)
    )
    chosen = chosen.order_by(Signature.id).limit(batch)
    rows = session.execute(chosen.with_for_update(**NO_KEY_UPDATE) if is_locked else chosen).all()
    if rows:
        row.after_id = rows[-1].id
    return [(one.id, one.state) for one in rows if _fits(criteria, one, vault)], len(rows) < batch


def _conditions(row: Invalidation, criteria: Criteria, vault: Vault) -> list[ColumnElement[bool]]:
    """All but the pattern, which the database cannot see. The section is that of whoever began it."""
    found: list[ColumnElement[bool]] = [
        Signature.section_code == row.section_code,
        Signature.id > row.after_id,
        Signature.id <= row.until_id,
        Signature.state.in_(_TAKEN),
    ]
    if row.appeal_id is not None:
        found.append(Signature.appeal_id == row.appeal_id)
    if criteria.ids:
        found.append(Signature.id.in_(criteria.ids))
    if criteria.all_domains:
        owners = {vault.owner_digest(one) for one in criteria.all_domains}
        digests = [one for owner in owners for one in month_digests(owner, "signature", vault)]
        # Which of the owner's hosts, the address tells (`_fits`); of those older than a month it tells all.
        found.append(or_(Signature.domain_digest.in_(digests), Signature.domain_digest.is_(None)))
    if criteria.network is not None:
        found.append(Signature.network_digest == bytes.fromhex(criteria.network))
    return found


def _times(criteria: Criteria, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    moment: Any = Signature.signed_at
    if criteria.is_erased:
        moment = Signature.confirmed_at
        found = [Signature.address_digest.is_(None), kept_appeals(Signature.appeal_id, now, criteria.kept_days)]
    if criteria.since is not None:
        found.append(moment >= criteria.since)
    if criteria.until is not None:
        found.append(moment < criteria.until)
    return found


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
        _tell(session, f"invalidation.{row.state}", row, {"changed": row.changed}, context=context)


def _own(session: Session, invalidation_id: int, context: Context, *states: InvalidationState) -> Invalidation:
    by = context.actor.member
    context.actor.require(Permission.EDIT)
    row = session.get(Invalidation, invalidation_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if row is None or row.section_code != by.section:
        raise NotFoundError("there is no such invalidation")
    if row.state not in states:
        raise StateError(f"the invalidation is {row.state}")
    return row


def _tell(
    session: Session,
    act: str,
    row: Invalidation,
    after: dict[str, Any],
    *,
    context: Context,
    reason: str | None = None,
) -> None:
    told = AuditRecord(
        act,
        f"invalidation:{row.id}",
        row.section_code,
        after={**after, "appeal": row.appeal_id},
        reason=reason,
    )
    append(session, told, context=context)
