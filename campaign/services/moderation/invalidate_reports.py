"""Invalidation of actions that were reported without a signature, and its reversal; see `invalidate`.

Only reports whose networks are still stored can be invalidated: nothing distinguishes older reports from each other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from campaign.domain.counting.action import Evidence
from campaign.domain.errors import CipherError
from campaign.domain.moderation.invalidation import Criteria, unpack_criteria
from campaign.domain.privacy.cipher import Vault
from campaign.models import Action, InvalidatedAction, Invalidation
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.services.counting.tally import TALLY_COLUMNS, adjust_tallies

SAMPLE_SIZE = 20
_MOVED_COLUMNS = ("id", "appeal_id", "section_code", "channel", "evidence", "quantity", "target", "happened_on",
                  "counted_at", "network_digest", "wide_network_digest")  # fmt: skip
_NO_SYNCHRONIZE = {"synchronize_session": False}


def newest_report(session: Session, section_code: str) -> int | None:
    """Return the id of the section's newest report without a signature; None if there is none."""
    return session.scalar(select(func.max(Action.id)).where(*_report_conditions(section_code)))


def count_batch(session: Session, row: Invalidation, vault: Vault, _now: datetime, batch_size: int) -> bool:
    """Count the next matches; return whether no more remain."""
    ids, is_last = _next_matches(session, row, vault, batch_size, is_locked=False)
    row.matched += len(ids)
    row.sample = [*row.sample, *ids[: SAMPLE_SIZE - len(row.sample)]]
    return is_last


def invalidate_batch(session: Session, row: Invalidation, vault: Vault, _now: datetime, batch_size: int) -> bool:
    """Remove the next matches from the counts; return whether no more remain."""
    ids, is_last = _next_matches(session, row, vault, batch_size, is_locked=True)
    if ids:
        of_batch = Action.id.in_(ids)
        moved = select(*(getattr(Action, name) for name in _MOVED_COLUMNS), literal(row.id)).where(of_batch)
        session.execute(insert(InvalidatedAction).from_select([*_MOVED_COLUMNS, "invalidation_id"], moved))
        deleted = delete(Action).where(of_batch).returning(*TALLY_COLUMNS)
        adjust_tallies(session, session.execute(deleted, execution_options=_NO_SYNCHRONIZE).all(), -1)
        row.changed += len(ids)
    return is_last


def restore_batch(session: Session, row: Invalidation, _vault: Vault, _now: datetime, batch_size: int) -> bool:
    """Restore the next invalidated reports to the counts; return whether no more remain."""
    invalidated = select(InvalidatedAction.id).where(
        InvalidatedAction.invalidation_id == row.id, InvalidatedAction.id > row.after_id
    )
    ids = session.scalars(
        invalidated.order_by(InvalidatedAction.id).limit(batch_size).with_for_update(**NO_KEY_UPDATE)
    ).all()
    if ids:
        chosen = InvalidatedAction.id.in_(ids)
        restored = select(*(getattr(InvalidatedAction, name) for name in _MOVED_COLUMNS)).where(chosen)
        session.execute(insert(Action).from_select(list(_MOVED_COLUMNS), restored))
        session.execute(delete(InvalidatedAction).where(chosen), execution_options=_NO_SYNCHRONIZE)
        adjust_tallies(session, session.execute(select(*TALLY_COLUMNS).where(Action.id.in_(ids))).all(), 1)
        row.after_id = ids[-1]
        row.changed -= len(ids)
    return len(ids) < batch_size


def _next_matches(
    session: Session, row: Invalidation, vault: Vault, batch_size: int, *, is_locked: bool
) -> tuple[list[int], bool]:
    """Return the ids of the next matches, and whether no more remain; store the progress in the row."""
    if row.criteria_sealed is None:
        return [], True
    try:
        criteria = unpack_criteria(vault.open_context(row.criteria_sealed, place_of(row)))
    except CipherError:
        return [], True  # the key was erased, so the criteria cannot be decrypted any more
    query: Select[int] = select(Action.id).where(*_conditions(row, criteria)).order_by(Action.id).limit(batch_size)
    ids = list(session.scalars(query.with_for_update(**NO_KEY_UPDATE) if is_locked else query))
    if ids:
        row.after_id = ids[-1]
    return ids, len(ids) < batch_size


def _report_conditions(section_code: str) -> list[ColumnElement[bool]]:
    """Return the conditions for the section's reports without a signature whose network is still stored."""
    return [
        Action.section_code == section_code,
        Action.network_digest.is_not(None),
        Action.signature_id.is_(None),
        Action.evidence == Evidence.REPORTED.value,
    ]


def _conditions(row: Invalidation, criteria: Criteria) -> list[ColumnElement[bool]]:
    """Return the criteria as conditions for reports of the invalidation's section."""
    conditions = [*_report_conditions(row.section_code), Action.id > row.after_id, Action.id <= row.until_id]
    if row.appeal_id is not None:
        conditions.append(Action.appeal_id == row.appeal_id)
    if criteria.network is not None:
        conditions.append(Action.network_digest == bytes.fromhex(criteria.network))
    if criteria.wide_network is not None:
        conditions.append(Action.wide_network_digest == bytes.fromhex(criteria.wide_network))
    if criteria.since is not None:
        conditions.append(Action.counted_at >= criteria.since)
    if criteria.until is not None:
        conditions.append(Action.counted_at < criteria.until)
    return conditions
