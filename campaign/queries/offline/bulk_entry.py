"""The bulk entries of the own section, for actions away from the site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from campaign.domain.staff.roles import Permission, Scope
from campaign.models import BulkEntry, SheetRow, Staff
from campaign.platform import db

PAGE = 50


@dataclass(frozen=True, slots=True)
class BulkEntryView:
    """An entry. `waiting` is the number of its sign-ups that no worker has signed up yet.

    `who`, `confirmed_by` and `undone_by` are addresses of accounts.
    """

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
    # Whether it waits for a second person's confirmation, and is not counted before.
    is_waiting: bool
    confirmed_by: str | None
    section: str
    is_mine: bool


def entries(scope: Scope, appeal_id: int, *, before: int | None = None) -> tuple[BulkEntryView, ...]:
    """Return the newest entries of the own section, or those before the id `before`; undone entries are included."""
    query = _entries().where(BulkEntry.section_code == scope.section, BulkEntry.appeal_id == appeal_id)
    if before is not None:
        query = query.where(BulkEntry.id < before)
    return tuple(_view(scope, *row) for row in db.session.execute(query.order_by(BulkEntry.id.desc()).limit(PAGE)))


def waiting_entries_elsewhere(scope: Scope, appeal_id: int) -> tuple[BulkEntryView, ...]:
    """Return the entries of other sections that wait for a second person; none unless the scope is a coordinator's."""
    if not scope.may(Permission.COORDINATE):
        return ()
    query = _entries().where(
        BulkEntry.section_code != scope.section, BulkEntry.appeal_id == appeal_id, BulkEntry.is_waiting
    )
    return tuple(_view(scope, *row) for row in db.session.execute(query.order_by(BulkEntry.id).limit(PAGE)))


def is_waiting(entry_id: int) -> bool:
    """Return whether the entry waits for a second person."""
    return bool(db.session.scalar(select(BulkEntry.is_waiting).where(BulkEntry.id == entry_id)))


def _entries() -> Any:
    """Return the query for entries with the columns that `_view` requires."""
    undoer, confirmer = aliased(Staff), aliased(Staff)
    waiting = select(func.count()).where(SheetRow.bulk_entry_id == BulkEntry.id).scalar_subquery()
    return (
        select(BulkEntry, Staff.email, undoer.email, confirmer.email, waiting)
        .join(Staff, Staff.id == BulkEntry.staff_id)
        .outerjoin(undoer, undoer.id == BulkEntry.undone_by)
        .outerjoin(confirmer, confirmer.id == BulkEntry.confirmed_by)
    )


def _view(scope: Scope, entry: BulkEntry, who: str, undone_by: str, confirmed_by: str, waiting: int) -> BulkEntryView:
    return BulkEntryView(
        id=entry.id,
        channel=entry.channel,
        quantity=entry.quantity,
        sign_ups=entry.sign_ups,
        waiting=waiting,
        happened_on=entry.happened_on,
        place=entry.place,
        note=entry.note,
        who=who,
        entered_at=entry.entered_at,
        undone_at=entry.undone_at,
        undone_by=undone_by,
        is_waiting=entry.is_waiting,
        confirmed_by=confirmed_by,
        section=entry.section_code,
        is_mine=entry.staff_id == scope.staff_id,
    )
