"""Access to an appeal: permission to work on it, its entries in the audit log, and the list of who wrote its texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.errors import NotFoundError
from campaign.domain.staff.roles import Permission
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.services.staff.audit import AuditRecord, append


def admit(context: Context, appeal: Appeal, permission: Permission = Permission.EDIT) -> None:
    """Raise NotFoundError where the actor does not work on that appeal, or may not do that."""
    if not (context.actor.may_edit_for(appeal.section_code) and context.actor.may(permission)):
        raise NotFoundError("no such appeal among those you work on")


def note(
    session: Session,
    act: str,
    appeal: Appeal,
    *,
    context: Context,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Add the act to the audit log, in its own transaction; of before and after only what differs."""
    differs = {name for name in (before or {}) | (after or {}) if (before or {}).get(name) != (after or {}).get(name)}
    entry = AuditRecord(
        act,
        f"appeal:{appeal.slug}",
        context.actor.section,
        None if before is None else {name: value for name, value in before.items() if name in differs},
        None if after is None else {name: value for name, value in after.items() if name in differs},
        reason,
        is_public=True,
    )
    append(session, entry, context=context)


def remember_writer(context: Context, appeal: Appeal) -> None:
    """Note the actor as the last who wrote texts or targets of the appeal, where it is a member of staff.

    What was asked to be published is another text now, so the question is taken back.
    """
    writer = context.actor.staff_id
    if writer is not None:
        appeal.written_by = [one for one in appeal.written_by if one != writer] + [writer]
    appeal.review_requested_at = appeal.review_requested_by = None
    appeal.revision += 1
