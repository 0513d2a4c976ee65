"""Adding and editing a single section; `load_sections` loads a whole list from a file.

A section is never removed, because counts refer to its code. A section without countries gets no new signers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.errors import InvalidFieldsError, NotFoundError
from campaign.domain.sections.section import CODE_PATTERN, INTERNATIONAL
from campaign.domain.sections.section_fields import checked_section
from campaign.domain.staff.roles import Permission
from campaign.models import Section
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.sections.section import SectionView, fields_of, list_sections
from campaign.services.staff.audit import AuditRecord, append
from campaign.services.staff.edit_conflict import refuse_overwriting


def add_section(code: str, form: dict[str, Any], *, context: Context) -> str:
    """Store a new section and return its code. Raises NotFoundError (not for this role), InvalidFieldsError."""
    code = code.strip().lower()
    with transaction() as session:
        others = _lock_sections(session, context)
        fault = None if CODE_PATTERN.fullmatch(code) else "no-code"
        if code in {section.code for section in others}:
            fault = "taken"
        try:
            values = checked_section(code, form, before={}, others=others)
        except InvalidFieldsError as error:
            raise InvalidFieldsError(({"code": fault} if fault else {}) | error.faults) from error
        if fault:
            raise InvalidFieldsError({"code": fault})
        section = Section(code=code)
        _set_columns(section, values)
        session.add(section)
        _append_audit(session, "section.add", code, None, values, context)
    return code


def set_section(code: str, form: dict[str, Any], expected: dict[str, Any], *, context: Context) -> bool:
    """Store the section's fields; return False if none has changed.

    `form` are the new values, `expected` those with which the form was opened. Raises NotFoundError,
    InvalidFieldsError, ConflictError (the stored values are not `expected`).
    """
    with transaction() as session:
        others = _lock_sections(session, context)
        section = session.get(Section, code)
        if section is None:
            raise NotFoundError(f"no such section: {code}")
        before = fields_of(section)
        after = checked_section(code, form, before=before, others=others)
        if before == after:
            return False
        refuse_overwriting(expected, before)
        _set_columns(section, after)
        _append_audit(session, "section.change", code, before, after, context)
    return True


def _lock_sections(session: Session, context: Context) -> tuple[SectionView, ...]:
    """Return all sections; no other transaction adds or edits one until this one ends. Raises NotFoundError."""
    context.actor.require(Permission.ADMINISTER)
    # A form is checked against the other sections, so only one transaction may check at a time: each locks the one
    # section that always exists.
    session.get(Section, INTERNATIONAL, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    return list_sections()


def _set_columns(section: Section, values: dict[str, Any]) -> None:
    for name in ("name", "countries", "languages", "time_zone", "contact", "position"):
        setattr(section, name, values[name])
    section.reply_to = values["reply_to"] or None
    section.tile_column, section.tile_row = values["tile"] or (None, None)


def _append_audit(
    session: Session,
    act: str,
    code: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    context: Context,
) -> None:
    """Add the act to the audit log, with the values that differ."""
    changed = [name for name in after if before is None or before[name] != after[name]]
    record = AuditRecord(
        act,
        f"section:{code}",
        code,
        None if before is None else {name: before[name] for name in changed},
        {name: after[name] for name in changed},
        # A section's contact is on public pages.
        is_public=True,
    )
    append(session, record, context=context)
