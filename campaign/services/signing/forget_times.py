"""The truncation of action times to the day, for signatures that no longer belong to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign.models import Action, InvalidatedAction
from campaign.platform.database.clock import TruncatedToDay
from campaign.services.counting.tally import TallyCell, hour_of, move_to_day

_BLIND: dict[str, Any] = {"synchronize_session": False}


def forget_times(session: Session, signature_ids: Collection[int]) -> None:
    """Truncate the times of all actions of these signatures to the day (UTC), also in the history of counts.

    Every total and every day's count stays. Call it in the transaction that empties or deletes the signatures, before
    it does so, with the signatures locked, so that no action is added meanwhile.
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
        session.execute(truncated, execution_options=_BLIND)
        move_to_day(session.connection(), moved)
    # Invalidated actions are in no history of counts; restoring one counts it in its day.
    invalidated = update(InvalidatedAction).where(InvalidatedAction.signature_id.in_(signature_ids))
    session.execute(
        invalidated.values(counted_at=TruncatedToDay(InvalidatedAction.counted_at)), execution_options=_BLIND
    )
