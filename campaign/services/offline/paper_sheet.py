"""Entry of paper signature sheets: rows with an address wait for a worker to sign them up, others count at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import AppealEndedError, CipherError, NotFoundError, StateError
from campaign.domain.offline.bulk_entry import NOTE_LENGTH, PLACE_LENGTH, read_line
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
from campaign.services.offline.bulk_entry import (
    add_quantity,
    find_entry_appeal,
    lock_section,
    needs_confirmation,
    require_entry_scope,
    store_entry,
)
from campaign.services.outbox.target_mailboxes import TARGET_FLAG, TargetMailboxes
from campaign.services.signing.sign_appeal import check_signable
from campaign.services.signing.store_sign_up import SignUpRequest, reserve_keys, store_sign_up

# Rows signed up in one transaction. A worker processes one batch each second, so 600 rows a minute, which is below the
# limits against floods.
BATCH_SIZE = 10
# Columns that the additional entry for late rows copies from the entry of its sheet.
_COPIED = ("appeal_id", "section_code", "channel", "happened_on", "place", "note", "staff_id", "sheet_digest")


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A checked sheet with its day and place, and the language of the mails to its signers."""

    sheet: CheckedSheet
    day: date
    place: str
    note: str
    locale: str


class DuplicateSheetError(StateError):
    """A sheet with the same rows was entered before, at `entered_at` (UTC)."""

    def __init__(self, entered_at: datetime) -> None:
        super().__init__("a sheet with the same rows was entered before")
        self.entered_at = entered_at


def enter_sheet(slug: str, sheet_entry: SheetEntry, *, is_sure: bool, is_again: bool, context: Context) -> int:
    """Store the sheet and return its entry's id.

    Rows without an address, and rows whose section does not accept signatures any more, are counted at once, like the
    quantity of a bulk entry. Addresses are not looked up, so that the answer cannot reveal who has signed. Raises
    NotFoundError, InputError (`day`; `place` or `note` too long), StateError (a sheet with faults or without rows),
    UnusualQuantityError (unless `is_sure`), DuplicateSheetError (unless `is_again`).
    """
    sheet, scope, now, vault = sheet_entry.sheet, require_entry_scope(context), context.now, context.vault
    if sheet.faults or not sheet.rows:
        raise StateError("the sheet is not ready to be entered")
    read_line("place", sheet_entry.place, PLACE_LENGTH)
    read_line("note", sheet_entry.note, NOTE_LENGTH)
    with transaction() as session:
        appeal = find_entry_appeal(session, slug, sheet_entry.day, scope, now)
        lock_section(session, scope.section)  # so that the same sheet is recognised if it is sent twice at once
        digest = vault.sheet_digest(f"{appeal.id}\n{scope.section}\n{sheet.content}")
        if not is_again:
            _refuse_duplicate(session, digest)
        section_for = _section_finder(appeal.id, now)
        rows = [row for row in sheet.sign_ups if section_for(row.country, sheet_entry.locale) is not None]
        counted = len(sheet.rows) - len(rows)
        is_waiting = needs_confirmation(session, counted, scope.section, is_sure=is_sure, entered_at=now)
        entry = _entry(appeal.id, sheet_entry, scope, now)
        entry.quantity, entry.sign_ups, entry.sheet_digest, entry.is_waiting = counted, len(rows), digest, is_waiting
        store_entry(session, entry, appeal.slug, context=context)
        slots = iter(new_slots(session.connection(), vault, len(rows)))
        waiting_rows = [
            _row_values(entry, row.name, row.address, vault, next(slots))
            | {"country": row.country, "locale": sheet_entry.locale}
            for row in rows
            if row.address is not None
        ]
        if waiting_rows:
            session.execute(insert(SheetRow), waiting_rows)
        return entry.id


def _entry(appeal_id: int, sheet_entry: SheetEntry, scope: Scope, now: datetime) -> BulkEntry:
    """Return the entry for a sheet, without its numbers."""
    return BulkEntry(
        appeal_id=appeal_id,
        section_code=scope.section,
        channel=Channel.PAPER.value,
        happened_on=sheet_entry.day,
        place=sheet_entry.place,
        note=sheet_entry.note,
        staff_id=scope.staff_id,
        entered_at=now,
    )


def count_rows_without_sign_up(appeal_id: int, sheet: CheckedSheet, locale: str, *, now: datetime) -> int:
    """Return the number of rows that are only counted: they have no address, or it is too late to sign."""
    section_for = _section_finder(appeal_id, now)
    return sum(row.address is None or section_for(row.country, locale) is None for row in sheet.rows)


def _row_values(entry: BulkEntry, name: str, address: Address, vault: Vault, slot: KeySlot) -> dict[str, Any]:
    """Return a waiting row's columns, encrypted, without country and locale."""
    digest = vault.sheet_row_digest(vault.address_digest(entry.appeal_id, address))
    place = at_sheet_row(entry.id, digest)
    return {
        "bulk_entry_id": entry.id,
        "section_code": entry.section_code,
        "address_digest": digest,
        "name_sealed": vault.seal_name(name, place, slot),
        "email_sealed": vault.seal_email(address, place, slot),
    }


def sign_sheet_rows(*, context: Context, target_mailboxes: TargetMailboxes) -> int:
    """Sign up the next waiting rows, like the public form; return the number of rows processed.

    A row is deleted in the transaction that signs it up, so that no row is signed up twice if a worker dies. If it is
    too late to sign by now, the row is only counted. If that exceeds the usual quantity of the day on which the sheet
    was entered, it waits for a second person's confirmation.
    """
    now, vault = context.now, context.vault
    reserve_keys(number=BATCH_SIZE, context=context)
    with transaction() as session:
        query = (
            select(SheetRow).order_by(SheetRow.id).limit(BATCH_SIZE).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
        )
        rows = list(session.scalars(query))
        # All transactions lock entries before sections, and both in ascending order: another order could deadlock.
        entry_ids = sorted({row.bulk_entry_id for row in rows})
        entries_query = select(BulkEntry).where(BulkEntry.id.in_(entry_ids)).order_by(BulkEntry.id)
        entries = {entry.id: entry for entry in session.scalars(entries_query.with_for_update(**NO_KEY_UPDATE))}
        late_entries = [
            entries[row.bulk_entry_id]
            for row in rows
            if not _sign_up_row(
                session,
                row,
                entries[row.bulk_entry_id],
                context=context,
                target_mailboxes=target_mailboxes,
            )
        ]
        for section in sorted({entry.section_code for entry in late_entries}):
            lock_section(session, section)
        for entry in late_entries:
            _count_late_row(session, entry, context=context)
        erase_keys(session, [row.email_sealed for row in rows], vault, on=now.date())
        session.execute(delete(SheetRow).where(SheetRow.id.in_([row.id for row in rows])))
        return len(rows)


def has_waiting_rows() -> bool:
    """Return whether a row waits. Workers call this each second, so it only reads."""
    is_waiting = db.session.execute(select(SheetRow.id).limit(1)).first() is not None
    db.session.rollback()
    return is_waiting


def _sign_up_row(
    session: Session,
    row: SheetRow,
    entry: BulkEntry,
    *,
    context: Context,
    target_mailboxes: TargetMailboxes,
) -> bool:
    """Sign the row up; return False if it is too late, or the row cannot be decrypted."""
    now, vault = context.now, context.vault
    appeal, section = find_appeal_by_id(entry.appeal_id), _section_finder(entry.appeal_id, now)(row.country, row.locale)
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
        flag=TARGET_FLAG if target_mailboxes.contains(address, appeal) else None,
    )
    store_sign_up(session.connection(), sign_up, context=context)
    return True


def _section_finder(appeal_id: int, now: datetime) -> Callable[[str, str], SectionView | None]:
    """Return a function that returns the section for a signer's country and language.

    It returns None if it is too late to sign in that section, or the appeal cannot be signed.
    """
    appeal, sections = find_appeal_by_id(appeal_id), list_sections()

    def section_for(country: str, locale: str) -> SectionView | None:
        if appeal is None:
            return None
        try:
            return check_signable(appeal, country, locale, sections=sections, now=now)
        except (AppealEndedError, NotFoundError):
            return None

    return section_for


def _count_late_row(session: Session, entry: BulkEntry, *, context: Context) -> None:
    """Count one row of the sheet for which it was too late to sign. The caller has locked the section.

    If a second person has confirmed the entry, the row was not part of what they confirmed, and must be confirmed too.
    """
    entry.sign_ups -= 1
    is_unusual = needs_confirmation(session, 1, entry.section_code, is_sure=True, entered_at=entry.entered_at)
    if not entry.is_waiting and (is_unusual or entry.confirmed_by is not None):
        if entry.quantity:
            return _count_in_additional_entry(session, entry, context=context)
        entry.is_waiting = True
    add_quantity(session, entry, 1, now=context.now)
    entry.quantity += 1
    return session.flush()


def _count_in_additional_entry(session: Session, entry: BulkEntry, *, context: Context) -> None:
    """Add one to the sheet's additional entry, which waits for a second person; insert it if there is none."""
    of_sheet = BulkEntry.sheet_digest == entry.sheet_digest, BulkEntry.staff_id == entry.staff_id, BulkEntry.is_waiting
    query = (
        select(BulkEntry)
        .where(*of_sheet, BulkEntry.undone_at.is_(None), BulkEntry.id != entry.id)
        .order_by(BulkEntry.id)
        .limit(1)
    )
    waiting = session.scalars(query.with_for_update(**NO_KEY_UPDATE)).first()
    if waiting is not None:
        waiting.quantity += 1
        return session.flush()
    copied = {name: getattr(entry, name) for name in _COPIED}
    additional = BulkEntry(**copied, quantity=1, sign_ups=0, entered_at=context.now, is_waiting=True)
    slug = session.scalars(select(Appeal.slug).where(Appeal.id == entry.appeal_id)).one()
    return store_entry(session, additional, slug, context=context)


def _refuse_duplicate(session: Session, digest: bytes) -> None:
    """Raise DuplicateSheetError if a sheet with that digest was entered and not undone."""
    same_sheet = select(BulkEntry.entered_at).where(BulkEntry.sheet_digest == digest, BulkEntry.undone_at.is_(None))
    entered_at = session.scalars(same_sheet.order_by(BulkEntry.id.desc()).limit(1)).first()
    if entered_at is not None:
        raise DuplicateSheetError(entered_at)
