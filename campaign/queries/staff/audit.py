"""The audit log, for staff pages and commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaign.domain.errors import NotFoundError
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import AuditEntry, Staff
from campaign.platform import db

PAGE = 100


@dataclass(frozen=True, slots=True)
class AuditView:
    """One entry. `who` is the address of a member of staff; `actor` is the kind of actor, None in an old entry."""

    id: int
    at: datetime
    actor: str | None
    who: str | None
    section: str | None
    act: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None


def audit_log(scope: Scope, *, before: int | None = None) -> tuple[AuditView, ...]:
    """Return the newest entries, or those before the id `before`. Raises NotFoundError (not for this role)."""
    if not scope.may(Permission.ADMINISTER):
        raise NotFoundError("not for this role")
    return newest_entries(PAGE, before=before)


def newest_entries(number: int, *, before: int | None = None) -> tuple[AuditView, ...]:
    """Return up to `number` entries, the newest first, for commands on the server, which need no role."""
    query = select(AuditEntry, Staff.email).outerjoin(Staff, Staff.id == AuditEntry.staff_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    rows = db.session.execute(query.order_by(AuditEntry.id.desc()).limit(number))
    return tuple(
        AuditView(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            who=email,
            section=entry.section_code,
            act=entry.act,
            subject=entry.subject,
            before=entry.before,
            after=entry.after,
            reason=entry.reason,
        )
        for entry, email in rows
    )
