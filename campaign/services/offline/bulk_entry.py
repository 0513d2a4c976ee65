"""Bulk entries of actions away from the site, and their undoing. Entry and counts change in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import ENTERABLE_CHANNELS, Channel
from campaign.domain.errors import FourEyesError, InputError, NotFoundError, StateError
from campaign.domain.offline.bulk_entry import (
    NOTE_LENGTH,
    PLACE_LENGTH,
    USUAL_ENTRIES,
    UnusualQuantityError,
    check_quantity,
    read_day,
    read_line,
    refuse_unusual,
)
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
    """A quantity of actions by one channel on one day, as staff enter it, without the people who acted."""

    channel: Channel
    quantity: int
    day: date
    place: str
    note: str


def enter(slug: str, quantity: BulkQuantity, *, is_sure: bool, context: Context) -> int:
    """Count a quantity as `bulk` for the actor's own section and return the entry's id.

    An unusual quantity is refused unless the actor `is_sure`; then it is stored, and counted when a second person
    confirms it. Raises NotFoundError (no such appeal, or a draft), InputError (a field, such as a `channel` that
    staff may not enter), UnusualQuantityError.
    """
    if quantity.channel not in ENTERABLE_CHANNELS:
        raise InputError("channel", "unknown", f"staff cannot enter {quantity.channel}")
    check_quantity(quantity.quantity)
    read_line("place", quantity.place, PLACE_LENGTH)
    read_line("note", quantity.note, NOTE_LENGTH)
    scope, now = require_entry_scope(context), context.now
    with transaction() as session:
        appeal = find_entry_appeal(session, slug, quantity.day, scope, now)
        is_waiting = needs_confirmation(session, quantity.quantity, scope.section, is_sure=is_sure, entered_at=now)
        entry = BulkEntry(
            appeal_id=appeal.id,
            section_code=scope.section,
            channel=quantity.channel.value,
            quantity=quantity.quantity,
            sign_ups=0,
            happened_on=quantity.day,
            place=quantity.place,
            note=quantity.note,
            staff_id=scope.staff_id,
            entered_at=now,
            is_waiting=is_waiting,
        )
        store_entry(session, entry, appeal.slug, context=context)
        return entry.id


def request_confirmation(entry_id: int, *, context: Context) -> None:
    """Enqueue a mail to those who may confirm the entry, if it waits.

    Raises NotFoundError (not an entry of the actor's section, or not for this role).
    """
    scope = require_entry_scope(context)
    with transaction() as session:
        entry = session.get(BulkEntry, entry_id)
        if entry is None or entry.section_code != scope.section:
            raise NotFoundError("there is no such entry")
        if entry.is_waiting:
            notify_of_bulk_entry(session, entry, session.get_one(Appeal, entry.appeal_id), context=context)


def confirm_bulk_entry(slug: str, entry_id: int, *, context: Context) -> None:
    """Count a waiting entry, which the actor confirms: an editor of its section, or a coordinator of any section.

    Raises NotFoundError (not an entry of the appeal, or not for this person), FourEyesError (the actor entered it),
    StateError (it no longer waits).
    """
    scope = require_entry_scope(context)
    with transaction() as session:
        entry = session.get(BulkEntry, entry_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
        is_of_appeal = entry is not None and slug == session.scalar(
            select(Appeal.slug).where(Appeal.id == entry.appeal_id)
        )
        if entry is None or not is_of_appeal or not scope.may_edit_for(entry.section_code):
            raise NotFoundError("there is no such entry")
        if entry.staff_id == scope.staff_id:
            raise FourEyesError("the person who entered it cannot confirm it")
        confirmed = (
            update(BulkEntry)
            .where(BulkEntry.id == entry.id, BulkEntry.is_waiting, BulkEntry.undone_at.is_(None))
            .values(is_waiting=False)
        )
        if session.execute(confirmed.returning(BulkEntry.id)).first() is None:
            raise StateError("the entry no longer waits")
        entry.confirmed_at, entry.confirmed_by = context.now, scope.staff_id
        if entry.quantity:
            add_quantity(session, entry, entry.quantity, now=context.now)
        record = AuditRecord("entry.confirm", f"entry:{entry.id}", entry.section_code, after=_for_audit(entry, slug))
        append(session, record, context=context)


def undo(slug: str, entry_id: int, *, context: Context) -> None:
    """Subtract an entry from the counts, and delete the rows of its sheet that wait to be signed up. The entry stays.

    Raises NotFoundError (not an entry of the appeal and the actor's section), StateError (undone already).
    """
    scope = require_entry_scope(context)
    with transaction() as session:
        entry = session.get(BulkEntry, entry_id, with_for_update=NO_KEY_UPDATE)
        if (
            entry is None
            or entry.section_code != scope.section
            or slug != session.scalars(select(Appeal.slug).where(Appeal.id == entry.appeal_id)).one()
        ):
            raise NotFoundError("there is no such entry")
        if entry.undone_at is not None:
            raise StateError("the entry was undone already")
        deleted = delete(SheetRow).where(SheetRow.bulk_entry_id == entry.id).returning(SheetRow.email_sealed)
        sealed = session.scalars(deleted, execution_options={"synchronize_session": False}).all()
        erase_keys(session, sealed, context.vault, on=context.now.date())
        _uncount(session, entry)
        entry.undone_at, entry.undone_by, entry.is_waiting = context.now, scope.staff_id, False
        record = AuditRecord(
            "entry.undo", f"entry:{entry.id}", entry.section_code, before=_for_audit(entry, slug), after=None
        )
        append(session, record, context=context)


def require_entry_scope(context: Context) -> Scope:
    """Return the scope of a member of staff who may make entries. Raises NotFoundError for all other actors."""
    context.actor.require(Permission.EDIT)
    return context.actor.staff_scope


def find_entry_appeal(session: Session, slug: str, day: date, scope: Scope, now: datetime) -> Appeal:
    """Return the appeal of an entry of that day (see `read_day`). Raises NotFoundError, InputError (`day`)."""
    appeal = session.scalars(select(Appeal).where(Appeal.slug == slug)).one_or_none()
    if appeal is None or appeal.state == AppealState.DRAFT or appeal.opened_at is None:
        raise NotFoundError("there is no such appeal")
    zone = ZoneInfo(session.scalars(select(Section.time_zone).where(Section.code == scope.section)).one())
    is_stopped = appeal.state == AppealState.STOPPED and appeal.ended_at is not None
    read_day(
        day.isoformat(),
        opened_on=appeal.opened_at.astimezone(zone).date(),
        today=now.astimezone(zone).date(),
        last_day=appeal.ended_at.astimezone(zone).date() if is_stopped and appeal.ended_at else None,
    )
    return appeal


def lock_section(session: Session, code: str) -> None:
    """Lock the section until the transaction ends, so that its entries are made one after another."""
    session.execute(select(Section.code).where(Section.code == code).with_for_update(**NO_KEY_UPDATE))


def needs_confirmation(session: Session, quantity: int, section: str, *, is_sure: bool, entered_at: datetime) -> bool:
    """Return whether the quantity is unusual and needs a second person's confirmation.

    The limit applies to the quantity plus the section's unconfirmed entries on the day (UTC) of `entered_at`. The
    section is locked, so that two entries at once cannot each stay below the limit and exceed it together. Raises
    UnusualQuantityError (unusual, and not `is_sure`).
    """
    lock_section(session, section)
    if not quantity:
        return False
    midnight = entered_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = (
        BulkEntry.section_code == section,
        BulkEntry.undone_at.is_(None),
        ~BulkEntry.is_waiting,
        BulkEntry.quantity > 0,
    )
    earlier = select(BulkEntry.quantity).where(*counted, BulkEntry.entered_at < midnight).order_by(BulkEntry.id.desc())
    of_day = BulkEntry.entered_at >= midnight, BulkEntry.entered_at < midnight + timedelta(days=1)
    unconfirmed = select(func.sum(BulkEntry.quantity)).where(*counted, *of_day, BulkEntry.confirmed_by.is_(None))
    earlier_quantities = list(session.scalars(earlier.limit(USUAL_ENTRIES)))
    try:
        refuse_unusual(quantity, earlier_quantities, int(session.scalar(unconfirmed) or 0))
    except UnusualQuantityError:
        if not is_sure:
            raise
        return True
    return False


def store_entry(session: Session, entry: BulkEntry, slug: str, *, context: Context) -> None:
    """Store the entry, count its quantity unless it waits, and add it to the audit log."""
    if entry.quantity and not entry.is_waiting:
        add_quantity(session, entry, entry.quantity, now=context.now)
    session.add(entry)
    session.flush()
    record = AuditRecord("entry.add", f"entry:{entry.id}", entry.section_code, after=_for_audit(entry, slug))
    append(session, record, context=context)


def add_quantity(session: Session, entry: BulkEntry, quantity: int, *, now: datetime) -> None:
    """Add the quantity to the counts, unless the entry waits. The caller changes the entry's `quantity` itself."""
    if entry.is_waiting:
        return
    cell = _cell(entry)
    if entry.action_id is None:
        columns = {"quantity": quantity, "target": 0, "happened_on": entry.happened_on, "counted_at": now}
        inserted = session.execute(insert(Action).values(**cell.as_columns(), **columns).returning(Action.id))
        entry.action_id = inserted.scalar_one()
        count(session.connection(), cell, now, quantity)
        return
    action = session.get_one(Action, entry.action_id, with_for_update=NO_KEY_UPDATE)
    action.quantity += quantity
    count(session.connection(), cell, action.counted_at, quantity, is_past=True)


def _uncount(session: Session, entry: BulkEntry) -> None:
    """Subtract the entry from the counts and delete its action, if it has one."""
    if entry.action_id is None:
        return
    action = session.get_one(Action, entry.action_id, with_for_update=NO_KEY_UPDATE)
    entry.action_id = None
    session.flush()
    count(session.connection(), _cell(entry), action.counted_at, -action.quantity)
    session.delete(action)


def _cell(entry: BulkEntry) -> TallyCell:
    return TallyCell(entry.appeal_id, entry.section_code, entry.channel, Evidence.BULK.value)


def _for_audit(entry: BulkEntry, slug: str) -> dict[str, object]:
    """Return the entry for the audit log, without its note, which may contain names."""
    return {
        "appeal": slug,
        "channel": entry.channel,
        "quantity": entry.quantity,
        "sign_ups": entry.sign_ups,
        "day": entry.happened_on.isoformat(),
        **({"waits": True} if entry.is_waiting else {}),
    }
