"""Entering what was done away from the site, and undoing it: the counts change with the entry, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import ENTERABLE, Channel
from campaign.domain.errors import FourEyesError, InputError, NotFoundError, StateError
from campaign.domain.offline.bulk_entry import REMEMBERED, UnusualQuantityError, read_day, refuse_unusual
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import Action, Appeal, BulkEntry, Section, SheetRow
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.appeals.review_notices import notify_of_bulk_entry
from campaign.services.counting.tally import TallyCell, count
from campaign.services.keys.row_key import erase_keys
from campaign.services.staff.audit import AuditRecord, append


@dataclass(frozen=True, slots=True)
class BulkQuantity:
    """What staff enter: so many acts by one channel on one day; of whom did them we know nothing."""

    channel: Channel
    quantity: int
    day: date
    place: str
    note: str


def enter(slug: str, entered: BulkQuantity, *, is_sure: bool, context: Context) -> int:
    """Count it as `bulk` for the own section and return the entry's id.

    What is beyond the usual waits uncounted, where whoever enters it `is_sure`, until somebody else has confirmed it.
    Raises NotFoundError (no such appeal, or a draft), InputError (`day`; `channel` where it is not for staff to enter),
    UnusualQuantityError unless `is_sure`.
    """
    if entered.channel not in ENTERABLE:
        raise InputError("channel", "unknown", f"{entered.channel} is not for staff to enter")
    by, now = entering(context), context.now
    with transaction() as session:
        appeal = entered_for(session, slug, entered.day, by, now)
        waits = is_doubted(session, entered.quantity, by.section, is_sure=is_sure, entered_at=now)
        entry = BulkEntry(
            appeal_id=appeal.id,
            section_code=by.section,
            channel=entered.channel.value,
            quantity=entered.quantity,
            sign_ups=0,
            happened_on=entered.day,
            place=entered.place,
            note=entered.note,
            staff_id=by.staff_id,
            entered_at=now,
            waits=waits,
        )
        keep(session, entry, appeal.slug, context=context)
        return entry.id


def ask_to_confirm(entry_id: int, *, context: Context) -> None:
    """Owe a mail to those who may confirm the entry, if it waits. Raises NotFoundError (not for this actor)."""
    entering(context)
    with transaction() as session:
        entry = session.get_one(BulkEntry, entry_id)
        if entry.waits:
            notify_of_bulk_entry(session, entry, session.get_one(Appeal, entry.appeal_id), context=context)


def confirm_bulk_entry(slug: str, entry_id: int, *, context: Context) -> None:
    """Count what waited, on the word of a second person: of the own section, or a coordinator for any.

    Raises NotFoundError (none of that appeal, or not for this person), FourEyesError (who entered it), StateError (it
    waits no more).
    """
    by = entering(context)
    with transaction() as session:
        entry = session.get(BulkEntry, entry_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
        found = entry is not None and slug == session.scalar(select(Appeal.slug).where(Appeal.id == entry.appeal_id))
        if entry is None or not found or not by.may_edit_for(entry.section_code):
            raise NotFoundError("there is no such entry")
        if entry.staff_id == by.staff_id:
            raise FourEyesError("who entered it does not confirm it")
        taken = (
            update(BulkEntry)
            .where(BulkEntry.id == entry.id, BulkEntry.waits, BulkEntry.undone_at.is_(None))
            .values(waits=False)
        )
        if session.execute(taken.returning(BulkEntry.id)).first() is None:
            raise StateError("the entry waits no more")
        entry.confirmed_at, entry.confirmed_by = context.now, by.staff_id
        if entry.quantity:
            add_quantity(session, entry, entry.quantity, now=context.now)
        act = AuditRecord("entry.confirm", f"entry:{entry.id}", entry.section_code, after=_told(entry, slug))
        append(session, act, context=context)


def undo(slug: str, entry_id: int, *, context: Context) -> None:
    """Takes it out of the counts; what of its sheet has not been signed up yet is forgotten. The entry stays.

    Raises NotFoundError (none of that appeal and the own section), StateError (undone already).
    """
    by = entering(context)
    with transaction() as session:
        entry = session.get(BulkEntry, entry_id, with_for_update=NO_KEY_UPDATE)
        if (
            entry is None
            or entry.section_code != by.section
            or slug != session.scalars(select(Appeal.slug).where(Appeal.id == entry.appeal_id)).one()
        ):
            raise NotFoundError("there is no such entry")
        if entry.undone_at is not None:
            raise StateError("the entry was undone already")
        gone = delete(SheetRow).where(SheetRow.bulk_entry_id == entry.id).returning(SheetRow.email_sealed)
        sealed = session.scalars(gone, execution_options={"synchronize_session": False}).all()
        erase_keys(session, sealed, context.vault, on=context.now.date())
        _uncount(session, entry)
        entry.undone_at, entry.undone_by, entry.waits = context.now, by.staff_id, False
        act = AuditRecord("entry.undo", f"entry:{entry.id}", entry.section_code, before=_told(entry, slug), after=None)
        append(session, act, context=context)


def entering(context: Context) -> Scope:
    """Return the scope of the member of staff who enters. Raises NotFoundError for all others."""
    context.actor.require(Permission.EDIT)
    return context.actor.member


def entered_for(session: Session, slug: str, day: date, by: Scope, now: datetime) -> Appeal:
    """The appeal. Raises NotFoundError, and InputError where it cannot have been done on that day."""
    appeal = session.scalars(select(Appeal).where(Appeal.slug == slug)).one_or_none()
    if appeal is None or appeal.state == AppealState.DRAFT or appeal.opened_at is None:
        raise NotFoundError("there is no such appeal")
    zone = ZoneInfo(session.scalars(select(Section.time_zone).where(Section.code == by.section)).one())
    is_stopped = appeal.state == AppealState.STOPPED and appeal.ended_at is not None
    read_day(
        day.isoformat(),
        opened_on=appeal.opened_at.astimezone(zone).date(),
        today=now.astimezone(zone).date(),
        last=appeal.ended_at.astimezone(zone).date() if is_stopped and appeal.ended_at else None,
    )
    return appeal


def lock_section(session: Session, code: str) -> None:
    """Let the entries of a section come one after the other, from here to the transaction's end."""
    session.execute(select(Section.code).where(Section.code == code).with_for_update(**NO_KEY_UPDATE))


def is_doubted(session: Session, quantity: int, section: str, *, is_sure: bool, entered_at: datetime) -> bool:
    """Return whether the quantity is beyond the usual and has to wait.

    Raises UnusualQuantityError there unless `is_sure`.

    With it counts all that the section entered on the same day (UTC) as `entered_at`, and nobody has confirmed. Entries
    of one section come one after the other: two at once do not each stay below the limit.
    """
    lock_section(session, section)
    if not quantity:
        return False
    midnight = entered_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = BulkEntry.section_code == section, BulkEntry.undone_at.is_(None), ~BulkEntry.waits, BulkEntry.quantity > 0
    newest = select(BulkEntry.quantity).where(*counted, BulkEntry.entered_at < midnight).order_by(BulkEntry.id.desc())
    on_the_day = BulkEntry.entered_at >= midnight, BulkEntry.entered_at < midnight + timedelta(days=1)
    alone = select(func.sum(BulkEntry.quantity)).where(*counted, *on_the_day, BulkEntry.confirmed_by.is_(None))
    try:
        refuse_unusual(quantity, list(session.scalars(newest.limit(REMEMBERED))), int(session.scalar(alone) or 0))
    except UnusualQuantityError:
        if not is_sure:
            raise
        return True
    return False


def keep(session: Session, entry: BulkEntry, slug: str, *, context: Context) -> None:
    """Write the entry down, count its quantity unless it waits, and tell the audit log."""
    if entry.quantity and not entry.waits:
        add_quantity(session, entry, entry.quantity, now=context.now)
    session.add(entry)
    session.flush()
    act = AuditRecord("entry.add", f"entry:{entry.id}", entry.section_code, after=_told(entry, slug))
    append(session, act, context=context)


def add_quantity(session: Session, entry: BulkEntry, quantity: int, *, now: datetime) -> None:
    """Count so many for the entry, unless it waits; its own `quantity` is the caller's to set."""
    if entry.waits:
        return
    cell = _cell(entry)
    if entry.action_id is None:
        columns = {"quantity": quantity, "target": 0, "happened_on": entry.happened_on, "counted_at": now}
        added = session.execute(insert(Action).values(**cell.as_columns(), **columns).returning(Action.id))
        entry.action_id = added.scalar_one()
        count(session.connection(), cell, now, quantity)
        return
    action = session.get_one(Action, entry.action_id, with_for_update=NO_KEY_UPDATE)
    action.quantity += quantity
    count(session.connection(), cell, action.counted_at, quantity, is_past=True)


def _uncount(session: Session, entry: BulkEntry) -> None:
    if entry.action_id is None:
        return
    action = session.get_one(Action, entry.action_id, with_for_update=NO_KEY_UPDATE)
    entry.action_id = None
    session.flush()
    count(session.connection(), _cell(entry), action.counted_at, -action.quantity)
    session.delete(action)


def _cell(entry: BulkEntry) -> TallyCell:
    return TallyCell(entry.appeal_id, entry.section_code, entry.channel, Evidence.BULK.value)


def _told(entry: BulkEntry, slug: str) -> dict[str, object]:
    """For the audit log: no note, for people write names into notes."""
    return {
        "appeal": slug,
        "channel": entry.channel,
        "quantity": entry.quantity,
        "sign_ups": entry.sign_ups,
        "day": entry.happened_on.isoformat(),
        **({"waits": True} if entry.waits else {}),
    }
