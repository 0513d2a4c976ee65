"""Editing of an appeal's facts: slug, goal, deadline, country, sections that take part, safety of the sender."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.editing import checked_facts
from campaign.domain.errors import InvalidFieldsError
from campaign.models import Appeal, Section
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.editor import fact_values
from campaign.services.appeals.access import audit_change, require_access
from campaign.services.appeals.edit_text import refuse_ended
from campaign.services.appeals.lifecycle import find_locked
from campaign.services.staff.edit_conflict import refuse_overwriting


def set_facts(slug: str, typed: dict[str, Any], seen: dict[str, Any], *, context: Context) -> str:
    """Store the facts and return the slug, which can be changed only in a draft. Equal facts change nothing.

    `seen` are the facts that the editor's form began with. Dates are ISO 8601 text. Raises NotFoundError,
    InvalidFieldsError, StateError (the appeal has ended), ConflictError (the facts have changed since `seen`).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        refuse_ended(appeal)
        before = fact_values(appeal)
        if appeal.state != AppealState.DRAFT:
            typed = {**typed, "slug": appeal.slug}
        codes = frozenset(session.scalars(select(Section.code)))
        after = checked_facts(typed, sections=codes, today=context.now.date(), before=before)
        if after["deadline"] is None and appeal.state == AppealState.OPEN:
            raise InvalidFieldsError({"deadline": "missing"})
        if before == after:
            return slug
        refuse_overwriting(seen, before)
        same_slug = select(Appeal.id).where(Appeal.slug == after["slug"], Appeal.id != appeal.id)
        if session.scalar(same_slug) is not None:
            raise InvalidFieldsError({"slug": "taken"})
        # Noted under the old slug; the entry contains the new one, so both are found in the audit log.
        audit_change(session, "appeal.set-facts", appeal, context=context, before=before, after=after)
        for name, value in after.items():
            setattr(appeal, name, date.fromisoformat(value) if name == "deadline" and value else value)
        appeal.revision += 1
        return str(after["slug"])
