"""Adding a section and changing what is said of one, by hand; a whole list is loaded from a file (`sections`).

A section is never removed: what was counted stays under its code. One without countries takes nobody any more.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.errors import InvalidFieldsError, NotFoundError
from campaign.domain.sections.section import CODE, INTERNATIONAL
from campaign.domain.sections.section_fields import checked_section
from campaign.domain.staff.roles import Permission
from campaign.models import Section
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.sections.section import SectionView, fields_of, list_sections
from campaign.services.staff.audit import AuditRecord, append
from campaign.services.staff.edit_conflict import refuse_overwriting


def add_section(code: str, typed: dict[str, Any], *, context: Context) -> str:
    """Makes the section and returns its code. Raises NotFoundError (not for this role), InvalidFieldsError."""
    code = code.strip().lower()
    with transaction() as session:
        others = _others(session, context)
        wrong = None if CODE.fullmatch(code) else "no-code"
        if code in {one.code for one in others}:
            wrong = "taken"
        try:
            values = checked_section(code, typed, before={}, others=others)
        except InvalidFieldsError as error:
            raise InvalidFieldsError(({"code": wrong} if wrong else {}) | error.faults) from error
        if wrong:
            raise InvalidFieldsError({"code": wrong})
        section = Section(code=code)
        _set(section, values)
        session.add(section)
        _note(session, "section.add", code, None, values, context)
    return code


def set_section(code: str, typed: dict[str, Any], seen: dict[str, Any], *, context: Context) -> bool:
    """Keeps what is said of the section; False where nothing of it is new.

    `seen` is what there was when the writer began. Raises NotFoundError, InvalidFieldsError, ConflictError.
    """
    with transaction() as session:
        others = _others(session, context)
        section = session.get(Section, code)
        if section is None:
            raise NotFoundError(f"no such section: {code}")
        before = fields_of(section)
        after = checked_section(code, typed, before=before, others=others)
        if before == after:
            return False
        refuse_overwriting(seen, before)
        _set(section, after)
        _note(session, "section.change", code, before, after, context)
    return True


def _others(session: Session, context: Context) -> tuple[SectionView, ...]:
    """All sections, none of which somebody else changes or adds to until the transaction ends."""
    context.actor.require(Permission.ADMINISTER)
    # The one that is always there stands for all: what two sections must not share is looked at by one at a time.
    session.get(Section, INTERNATIONAL, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    return list_sections()


def _set(section: Section, values: dict[str, Any]) -> None:
    for name in ("name", "countries", "languages", "time_zone", "contact", "position"):
        setattr(section, name, values[name])
    section.reply_to = values["reply_to"] or None
    section.tile_column, section.tile_row = values["tile"] or (None, None)


def _note(
    session: Session,
    act: str,
    code: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    context: Context,
) -> None:
    differs = [name for name in after if before is None or before[name] != after[name]]
    entry = AuditRecord(
        act,
        f"section:{code}",
        code,
        None if before is None else {name: before[name] for name in differs},
        {name: after[name] for name in differs},
        # Its contact stands on public pages.
        is_public=True,
    )
    append(session, entry, context=context)
