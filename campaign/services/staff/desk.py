"""Who works on an appeal: whether they may, that they did (the audit log), and whose texts it holds.

A command on the server works without a scope: it may everything, and the audit log says that it was the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.errors import ConflictError, NotFoundError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import Appeal
from campaign.services.staff.audit import AuditRecord, append


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works (None: a command on the server), and what the audit log and mails to colleagues need."""

    scope: Scope | None
    vault: Vault
    mail_domain: str
    base_url: str


def admit(desk: Desk, appeal: Appeal, permission: Permission = Permission.EDIT) -> None:
    """Raises NotFoundError where this person does not work on that appeal, or may not do that."""
    if desk.scope is not None and not (desk.scope.works_on(appeal.section_code) and desk.scope.may(permission)):
        raise NotFoundError("no such appeal among those you work on")


def note(
    session: Session,
    desk: Desk,
    act: str,
    appeal: Appeal,
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Writes the act down, in its own transaction; of before and after only what differs."""
    differs = {name for name in (before or {}) | (after or {}) if (before or {}).get(name) != (after or {}).get(name)}
    who, section = (None, None) if desk.scope is None else (desk.scope.staff_id, desk.scope.section)
    entry = AuditRecord(
        act,
        f"appeal:{appeal.slug}",
        who,
        section,
        None if before is None else {name: value for name, value in before.items() if name in differs},
        None if after is None else {name: value for name, value in after.items() if name in differs},
        reason,
        is_public=True,
    )
    append(session, entry, now=now, vault=desk.vault)


def remember_writer(desk: Desk, appeal: Appeal) -> None:
    """Keeps that this person has written texts or targets of the appeal, and was the last to do so.

    What was asked to be published is another text now, so the question is taken back.
    """
    if desk.scope is not None:
        appeal.written_by = [one for one in appeal.written_by if one != desk.scope.staff_id] + [desk.scope.staff_id]
    appeal.review_requested_at = appeal.review_requested_by = None
    appeal.revision += 1


def refuse_overwriting(seen: dict[str, Any] | None, current: dict[str, Any]) -> None:
    """Raises ConflictError where what the person had before them is no longer what there is."""
    if seen != current:
        raise ConflictError(current)
