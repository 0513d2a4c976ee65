"""Cutting the times of what was done with a signature to the day, once it is nobody's any more."""

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
    """Cut the times of all acts of these signatures to the day (UTC), and move them in the history of counts as well.

    Every total and every day's count stays. In the transaction that empties or deletes the signatures, before it
    does; they are locked, so that nothing is done with them meanwhile.
    """
    fine = Action.signature_id.in_(signature_ids), Action.counted_at != TruncatedToDay(Action.counted_at)
    columns = Action.appeal_id, Action.section_code, Action.channel, Action.evidence, Action.counted_at, Action.quantity
    moved: Counter[tuple[TallyCell, datetime]] = Counter()
    for appeal, section, channel, evidence, counted_at, quantity in session.execute(select(*columns).where(*fine)):
        moved[TallyCell(appeal, section, channel, evidence), hour_of(counted_at)] += quantity
    if moved:
        cut = update(Action).where(*fine).values(counted_at=TruncatedToDay(Action.counted_at))
        session.execute(cut, execution_options=_BLIND)
        move_to_day(session.connection(), moved)
    # What is taken out of the counts stands in no history; it is put back into the day.
    held = update(InvalidatedAction).where(InvalidatedAction.signature_id.in_(signature_ids))
    session.execute(held.values(counted_at=TruncatedToDay(InvalidatedAction.counted_at)), execution_options=_BLIND)
