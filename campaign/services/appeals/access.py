"""Access to an appeal for its editors: permission, entries in the audit log, and the list of its authors."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.errors import NotFoundError
from campaign.domain.staff.roles import Permission
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.services.staff.audit import AuditRecord, append


def require_access(context: Context, appeal: Appeal, permission: Permission = Permission.EDIT) -> None:
    """Raise NotFoundError unless the actor has the permission and may edit the appeals of the appeal's section."""
    if not (context.actor.may_edit_for(appeal.section_code) and context.actor.may(permission)):
        raise NotFoundError("no such appeal in your section")


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
    changed = {name for name in (before or {}) | (after or {}) if (before or {}).get(name) != (after or {}).get(name)}
    record = AuditRecord(
        act,
        f"appeal:{appeal.slug}",
        context.actor.section,
        None if before is None else {name: value for name, value in before.items() if name in changed},
        None if after is None else {name: value for name, value in after.items() if name in changed},
        reason,
        is_public=True,
    )
    append(session, record, context=context)


def record_author(context: Context, appeal: Appeal) -> None:
    """Move the actor to the end of the appeal's authors, if a member of staff, and increase the appeal's revision.

    A requested review is withdrawn, because it was requested for the version before this change.
    """
    staff_id = context.actor.staff_id
    if staff_id is not None:
        appeal.written_by = [author for author in appeal.written_by if author != staff_id] + [staff_id]
    appeal.review_requested_at = appeal.review_requested_by = None
    appeal.revision += 1
