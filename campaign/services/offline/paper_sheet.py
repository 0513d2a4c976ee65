"""Entering a paper signature sheet: rows with an address wait to be signed up, the others are counted at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import AppealEndedError, CipherError, NotFoundError, StateError
from campaign.domain.offline.paper_sheet import CheckedSheet
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.row_key import KeySlot
from campaign.domain.privacy.sealed_place import at_sheet_row
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.signature import clean_via
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, BulkEntry, SheetRow
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import find_appeal_by_id
from campaign.queries.sections.section import SectionView, list_sections
from campaign.services.keys.row_key import erase_keys, new_slots
from campaign.services.offline.bulk_entry import add_quantity, entered_for, entering, is_doubted, keep, lock_section
from campaign.services.outbox.refused_recipients import FLAG, RefusedRecipients
from campaign.services.signing.sign import SignUpRequest, prepare, write
from campaign.services.signing.sign_appeal import check_signable

# So many are signed up in one transaction. A worker comes once a second: 600 a minute are no flood.
BATCH = 10
# What an entry for rows that came too late has from its sheet.
_OF_SHEET = ("appeal_id", "section_code", "channel", "happened_on", "place", "note", "staff_id", "sheet_digest")


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A checked sheet, when and where it lay, and the language in which its signers are written to."""

    sheet: CheckedSheet
    day: date
    place: str
    note: str
    locale: str


class DuplicateSheetError(StateError):
    """The same rows were entered before, on `entered_at`."""

    def __init__(self, entered_at: datetime) -> None:
        super().__init__("a sheet with the same rows was entered before")
        self.entered_at = entered_at


def enter_sheet(slug: str, entered: SheetEntry, *, is_sure: bool, is_again: bool, context: Context) -> int:
    """Keeps the sheet and returns its entry's id.

    Whoever cannot sign any more, for the appeal has ended there, is counted at once, and doubted as any quantity is.
    Raises NotFoundError, InputError (`day`; a sheet with faults or without rows), UnusualQuantityError unless
    `is_sure`, and
    DuplicateSheetError unless `is_again`. Whether an address has signed before is not looked at: nobody learns it here.
    """
    sheet, by, now, vault = entered.sheet, entering(context), context.now, context.vault
    if sheet.faults or not sheet.rows:
        raise StateError("the sheet is not ready to be entered")
    with transaction() as session:
        appeal = entered_for(session, slug, entered.day, by, now)
        lock_section(session, by.section)  # the same sheet sent twice at once is noticed
        digest = vault.sheet_digest(f"{appeal.id}\n{by.section}\n{sheet.content}")
        if not is_again:
            _refuse_same(session, digest)
        able = _able(appeal.id, now)
        rows = [row for row in sheet.sign_ups if able(row.country, entered.locale) is not None]
        counted = len(sheet.rows) - len(rows)
        waits = is_doubted(session, counted, by.section, is_sure=is_sure, entered_at=now)
        entry = _entry(appeal.id, entered, by, now)
        entry.quantity, entry.sign_ups, entry.sheet_digest, entry.waits = counted, len(rows), digest, waits
        keep(session, entry, appeal.slug, context=context)
        slots = iter(new_slots(session.connection(), vault, len(rows)))
        to_sign = [
            _row(entry, row.name, row.address, vault, next(slots)) | {"country": row.country, "locale": entered.locale}
            for row in rows
            if row.address is not None
        ]
        if to_sign:
            session.execute(insert(SheetRow), to_sign)
        return entry.id


def _entry(appeal_id: int, entered: SheetEntry, by: Scope, now: datetime) -> BulkEntry:
    return BulkEntry(
        appeal_id=appeal_id,
        section_code=by.section,
        channel=Channel.PAPER.value,
        happened_on=entered.day,
        place=entered.place,
        note=entered.note,
        staff_id=by.staff_id,
        entered_at=now,
    )


def only_counted(appeal_id: int, sheet: CheckedSheet, locale: str, *, now: datetime) -> int:
    """Return how many rows of a sheet are only counted: without an address, or too late to sign."""
    able = _able(appeal_id, now)
    return sum(row.address is None or able(row.country, locale) is None for row in sheet.rows)


def _row(entry: BulkEntry, name: str, address: Address, vault: Vault, slot: KeySlot) -> dict[str, Any]:
    digest = vault.sheet_row_digest(vault.address_digest(entry.appeal_id, address))
    place = at_sheet_row(entry.id, digest)
    return {
        "bulk_entry_id": entry.id,
        "section_code": entry.section_code,
        "address_digest": digest,
        "name_sealed": vault.seal_name(name, place, slot),
        "email_sealed": vault.seal_email(address, place, slot),
    }


def sign_sheet_rows(*, context: Context, addressees: RefusedRecipients) -> int:
    """Signs up the next rows that wait, as the form on the site does; returns how many it took.

    A row and its signature change in one transaction: a worker that dies signs nobody up twice. Where it has become
    too late to sign, the row is only counted; what is beyond the usual of the day on which the sheet was entered waits
    for a second person.
    """
    now, vault = context.now, context.vault
    prepare(number=BATCH, context=context)
    with transaction() as session:
        chosen = select(SheetRow).order_by(SheetRow.id).limit(BATCH).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
        rows = list(session.scalars(chosen))
        # Sheets before their sections, each in order: whoever else wants several of them does the same.
        sheets = sorted({row.bulk_entry_id for row in rows})
        held = select(BulkEntry).where(BulkEntry.id.in_(sheets)).order_by(BulkEntry.id)
        entries = {entry.id: entry for entry in session.scalars(held.with_for_update(**NO_KEY_UPDATE))}
        late = [
            entries[row.bulk_entry_id]
            for row in rows
            if not _sign(
                session,
                row,
                entries[row.bulk_entry_id],
                context=context,
                addressees=addressees,
            )
        ]
        for section in sorted({entry.section_code for entry in late}):
            lock_section(session, section)
        for entry in late:
            _count(session, entry, context=context)
        erase_keys(session, [row.email_sealed for row in rows], vault, on=now.date())
        session.execute(delete(SheetRow).where(SheetRow.id.in_([row.id for row in rows])))
        return len(rows)


def has_waiting_rows() -> bool:
    """Whether any row waits: asked each second, so without a write."""
    found = db.session.execute(select(SheetRow.id).limit(1)).first() is not None
    db.session.rollback()
    return found


def _sign(
    session: Session,
    row: SheetRow,
    entry: BulkEntry,
    *,
    context: Context,
    addressees: RefusedRecipients,
) -> bool:
    """Sign the row up; False where it is too late, or it does not open."""
    now, vault = context.now, context.vault
    appeal, section = find_appeal_by_id(entry.appeal_id), _able(entry.appeal_id, now)(row.country, row.locale)
    if appeal is None or section is None:
        return False
    try:
        address = parse_address(vault.open_email(row.email_sealed, place_of(row)))
        name = vault.open_name(row.name_sealed, place_of(row))
    except CipherError:
        return False
    text = appeal.text_in(row.locale)
    sign_up = SignUpRequest(
        appeal_id=appeal.id,
        section_code=section.code,
        country=row.country,
        name=name,
        address=address,
        locale=row.locale,
        text_language=text.language,
        text_version=text.version,
        via=clean_via(f"paper-{entry.section_code}"),
        flag=FLAG if addressees.include(address, appeal) else None,
    )
    write(session.connection(), sign_up, context=context)
    return True


def _able(appeal_id: int, now: datetime) -> Callable[[str, str], SectionView | None]:
    """Return what finds the section that takes a signer of a country and language now; None where none does."""
    appeal, sections = find_appeal_by_id(appeal_id), list_sections()

    def able(country: str, locale: str) -> SectionView | None:
        if appeal is None:
            return None
        try:
            return check_signable(appeal, country, locale, sections=sections, now=now)
        except (AppealEndedError, NotFoundError):
            return None

    return able


def _count(session: Session, entry: BulkEntry, *, context: Context) -> None:
    """Count one row that came too late. The section is held.

    A second person has confirmed what the sheet counted then, and no more.
    """
    entry.sign_ups -= 1
    is_beyond = is_doubted(session, 1, entry.section_code, is_sure=True, entered_at=entry.entered_at)
    if not entry.waits and (is_beyond or entry.confirmed_by is not None):
        if entry.quantity:
            return _count_later(session, entry, context=context)
        entry.waits = True
    add_quantity(session, entry, 1, now=context.now)
    entry.quantity += 1
    return session.flush()


def _count_later(session: Session, entry: BulkEntry, *, context: Context) -> None:
    """Add one to the entry beside the sheet's that waits for a second person."""
    same = BulkEntry.sheet_digest == entry.sheet_digest, BulkEntry.staff_id == entry.staff_id, BulkEntry.waits
    beside = (
        select(BulkEntry)
        .where(*same, BulkEntry.undone_at.is_(None), BulkEntry.id != entry.id)
        .order_by(BulkEntry.id)
        .limit(1)
    )
    found = session.scalars(beside.with_for_update(**NO_KEY_UPDATE)).first()
    if found is not None:
        found.quantity += 1
        return session.flush()
    same_values = {name: getattr(entry, name) for name in _OF_SHEET}
    late = BulkEntry(**same_values, quantity=1, sign_ups=0, entered_at=context.now, waits=True)
    slug = session.scalars(select(Appeal.slug).where(Appeal.id == entry.appeal_id)).one()
    return keep(session, late, slug, context=context)


def _refuse_same(session: Session, digest: bytes) -> None:
    same = select(BulkEntry.entered_at).where(BulkEntry.sheet_digest == digest, BulkEntry.undone_at.is_(None))
    before = session.scalars(same.order_by(BulkEntry.id.desc()).limit(1)).first()
    if before is not None:
        raise DuplicateSheetError(before)
