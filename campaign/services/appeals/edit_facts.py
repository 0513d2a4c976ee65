"""Editing of an appeal's facts: slug, goal, deadline, country, participating sections, safety of the sender."""

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


def set_facts(slug: str, form: dict[str, Any], expected: dict[str, Any], *, context: Context) -> str:
    """Store the facts and return the slug, which can be changed only in a draft. Equal facts change nothing.

    `form` are the new facts, `expected` those with which the form was opened; dates are ISO 8601 text. Raises
    NotFoundError, InvalidFieldsError, StateError (the appeal has ended), ConflictError (the facts are not `expected`).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        refuse_ended(appeal)
        before = fact_values(appeal)
        if appeal.state != AppealState.DRAFT:
            form = {**form, "slug": appeal.slug}
        codes = frozenset(session.scalars(select(Section.code)))
        after = checked_facts(form, sections=codes, today=context.now.date(), before=before)
        if after["deadline"] is None and appeal.state == AppealState.OPEN:
            raise InvalidFieldsError({"deadline": "missing"})
        if before == after:
            return slug
        refuse_overwriting(expected, before)
        same_slug = select(Appeal.id).where(Appeal.slug == after["slug"], Appeal.id != appeal.id)
        if session.scalar(same_slug) is not None:
            raise InvalidFieldsError({"slug": "taken"})
        # The audit entry's subject is the old slug, and its content has the new one: both can be found.
        audit_change(session, "appeal.set-facts", appeal, context=context, before=before, after=after)
        for name, value in after.items():
            setattr(appeal, name, date.fromisoformat(value) if name == "deadline" and value else value)
        appeal.revision += 1
        return str(after["slug"])
