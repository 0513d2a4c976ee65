"""Entering a paper signature sheet: rows with an address wait to be signed up, the others are counted at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from campaign.domain.action import Channel
from campaign.domain.address import Address, parse_address
from campaign.domain.appeal import AppealState, is_in_time
from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError, StateError
from campaign.domain.place import at_sheet_row
from campaign.domain.section import choose_section, taking_part
from campaign.domain.sheet import Sheet
from campaign.domain.signature import clean_via
from campaign.domain.staff import Scope
from campaign.extensions import db
from campaign.extensions.locks import KEYS_STAY
from campaign.models import Entry, SheetRow
from campaign.models.sealed import place_of
from campaign.queries.appeal import AppealView, find_appeal_by_id
from campaign.queries.section import SectionView, list_sections
from campaign.services.addressees import FLAG, Addressees
from campaign.services.enter import add_quantity, entered_for, hold_section, is_doubted, keep
from campaign.services.sign import SignUp, prepare, write
from campaign.services.transaction import transaction

# So many are signed up in one transaction. A worker comes once a second: 600 a minute are no flood.
BATCH = 10


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A checked sheet, when and where it lay, and the language in which its signers are written to."""

    sheet: Sheet
    day: date
    place: str
    note: str
    locale: str


class SameSheetError(StateError):
    """The same rows were entered before, on `entered_at`."""

    def __init__(self, entered_at: datetime) -> None:
        super().__init__("a sheet with the same rows was entered before")
        self.entered_at = entered_at


def enter_sheet(
    slug: str, entered: SheetEntry, *, by: Scope, is_sure: bool, is_again: bool, now: datetime, vault: Vault
) -> int:
    """Keeps the sheet and returns its entry's id.

    Raises NotFoundError, InputError (`day`; a sheet with faults or without rows), UnusualError unless `is_sure`, and
    SameSheetError unless `is_again`. Whether an address has signed before is not looked at: nobody learns it here.
    """
    sheet = entered.sheet
    if sheet.faults or not sheet.rows:
        raise StateError("the sheet is not ready to be entered")
    with transaction() as session:
        appeal = entered_for(session, slug, entered.day, by, now)
        hold_section(session, by.section)  # the same sheet sent twice at once is noticed
        digest = vault.sheet_digest(f"{appeal.id}\n{by.section}\n{sheet.content}")
        if not is_again:
            _refuse_same(session, digest)
        waits = is_doubted(session, sheet.counted, by, is_sure=is_sure, now=now)
        entry = Entry(
            appeal_id=appeal.id,
            section_code=by.section,
            channel=Channel.PAPER.value,
            quantity=sheet.counted,
            sign_ups=len(sheet.sign_ups),
            happened_on=entered.day,
            place=entered.place,
            note=entered.note,
            staff_id=by.staff_id,
            entered_at=now,
            sheet_digest=digest,
            waits=waits,
        )
        keep(session, entry, appeal.slug, now=now, vault=vault)
        rows = [
            _row(entry, row.name, row.address, vault) | {"country": row.country, "locale": entered.locale}
            for row in sheet.sign_ups
            if row.address is not None
        ]
        if rows:
            session.execute(insert(SheetRow), rows)
        return entry.id


def _row(entry: Entry, name: str, address: Address, vault: Vault) -> dict[str, Any]:
    digest = vault.sheet_row_digest(vault.address_digest(entry.appeal_id, address))
    place = at_sheet_row(entry.id, digest)
    return {
        "entry_id": entry.id,
        "section_code": entry.section_code,
        "address_digest": digest,
        "name_sealed": vault.seal_name(name, place),
        "email_sealed": vault.seal_email(address, place),
    }


def sign_sheet_rows(*, now: datetime, vault: Vault, mail_domain: str, addressees: Addressees) -> int:
    """Signs up the next rows that wait, as the form on the site does; returns how many it took.

    A row and its signature change in one transaction: a worker that dies signs nobody up twice. Where it has become
    too late to sign, the row is only counted.
    """
    prepare(vault, now=now, number=BATCH)
    with transaction() as session:
        chosen = select(SheetRow).order_by(SheetRow.id).limit(BATCH).with_for_update(skip_locked=True, **KEYS_STAY)
        rows = list(session.scalars(chosen))
        for row in rows:
            _sign(session, row, now=now, vault=vault, mail_domain=mail_domain, addressees=addressees)
        session.execute(delete(SheetRow).where(SheetRow.id.in_([row.id for row in rows])))
        return len(rows)


def has_waiting_rows() -> bool:
    """Whether any row waits: asked each second, so without a write."""
    found = db.session.execute(select(SheetRow.id).limit(1)).first() is not None
    db.session.rollback()
    return found


def _sign(
    session: Session, row: SheetRow, *, now: datetime, vault: Vault, mail_domain: str, addressees: Addressees
) -> None:
    entry = session.get_one(Entry, row.entry_id, with_for_update=KEYS_STAY)
    appeal = find_appeal_by_id(entry.appeal_id)
    taking = taking_part(list_sections(), appeal.sections if appeal else ())
    section = choose_section(taking, row.country, row.locale)
    if appeal is None or section is None or not _takes(appeal, section, now):
        return _count(session, entry, now)
    try:
        address = parse_address(vault.open_email(row.email_sealed, place_of(row)))
        name = vault.open_name(row.name_sealed, place_of(row))
    except CipherError:
        return _count(session, entry, now)
    text = appeal.text_in(row.locale)
    sign_up = SignUp(
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
    write(session.connection(), sign_up, now=now, vault=vault, mail_domain=mail_domain)
    return None


def _takes(appeal: AppealView, section: SectionView, now: datetime) -> bool:
    return appeal.state == AppealState.OPEN and is_in_time(appeal.deadline, section.last_zone(appeal.deadline), now)


def _count(session: Session, entry: Entry, now: datetime) -> None:
    add_quantity(session, entry, 1, now=now)
    entry.quantity += 1
    entry.sign_ups -= 1


def _refuse_same(session: Session, digest: bytes) -> None:
    same = select(Entry.entered_at).where(Entry.sheet_digest == digest, Entry.undone_at.is_(None))
    before = session.scalars(same.order_by(Entry.id.desc()).limit(1)).first()
    if before is not None:
        raise SameSheetError(before)
