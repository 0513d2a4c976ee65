"""The addresses of targets, with which nobody may sign."""

from __future__ import annotations

from sqlalchemy import select

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.signing.address import written_mailbox
from campaign.models import Appeal, Target
from campaign.platform import db


def target_mailboxes() -> frozenset[str]:
    """Return the mailboxes (`Address.mailbox`) of all targets of appeals that were published."""
    chosen = select(Target.emails).join(Appeal, Appeal.id == Target.appeal_id).where(Appeal.state != AppealState.DRAFT)
    found = (written_mailbox(email) for emails in db.session.scalars(chosen) for email in emails)
    return frozenset(mailbox for mailbox in found if mailbox)
