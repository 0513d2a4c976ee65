"""Access to an appeal: permission to edit it, its entries in the audit log, and the list of its authors."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.errors import NotFoundError
from campaign.domain.staff.roles import Permission
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.services.staff.audit import AuditRecord, append


def require_access(context: Context, appeal: Appeal, permission: Permission = Permission.EDIT) -> None:
    """Raise NotFoundError unless the actor may edit the appeals of this section and has the permission."""
    if not (context.actor.may_edit_for(appeal.section_code) and context.actor.may(permission)):
        raise NotFoundError("no such appeal among those you work on")


def audit_change(
    session: Session,
    act: str,
    appeal: Appeal,
    *,
    context: Context,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Add the act to the audit log in the caller's transaction, with the values of `before` and `after` that differ."""
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


def record_author(context: Context, appeal: Appeal) -> None:
    """Add the actor, if a member of staff, to the end of the appeal's authors, and increase its revision.

    A review that was requested is withdrawn: it was requested for the text before this change.
    """
    writer = context.actor.staff_id
    if writer is not None:
        appeal.written_by = [author for author in appeal.written_by if author != writer] + [writer]
    appeal.review_requested_at = appeal.review_requested_by = None
    appeal.revision += 1
