"""What the own section has entered for what was done away from the site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from campaign.domain.staff import Scope
from campaign.extensions import db
from campaign.models import Entry, SheetRow, Staff

PAGE = 50


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry; `waiting` of its sign-ups are not signed up yet. `undone_by` is the account's address."""

    id: int
    channel: str
    quantity: int
    sign_ups: int
    waiting: int
    happened_on: date
    place: str
    note: str
    who: str
    entered_at: datetime
    undone_at: datetime | None
    undone_by: str | None


def entries(scope: Scope, appeal_id: int, *, before: int | None = None) -> tuple[EntryView, ...]:
    """The newest ones of the own section, or those before the one with that number; undone ones too."""
    undoer = aliased(Staff)
    waiting = select(func.count()).where(SheetRow.entry_id == Entry.id).scalar_subquery()
    chosen = (
        select(Entry, Staff.email, undoer.email, waiting)
        .join(Staff, Staff.id == Entry.staff_id)
        .outerjoin(undoer, undoer.id == Entry.undone_by)
        .where(Entry.section_code == scope.section, Entry.appeal_id == appeal_id)
    )
    if before is not None:
        chosen = chosen.where(Entry.id < before)
    return tuple(
        EntryView(
            id=entry.id,
            channel=entry.channel,
            quantity=entry.quantity,
            sign_ups=entry.sign_ups,
            waiting=number,
            happened_on=entry.happened_on,
            place=entry.place,
            note=entry.note,
            who=who,
            entered_at=entry.entered_at,
            undone_at=entry.undone_at,
            undone_by=undone_by,
        )
        for entry, who, undone_by, number in db.session.execute(chosen.order_by(Entry.id.desc()).limit(PAGE))
    )
