"""The mailboxes of targets, which must not get mail because a person typed their address."""

from __future__ import annotations

from sqlalchemy import select

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.signing.address import written_mailbox
from campaign.models import Appeal, Target
from campaign.platform import db


def target_mailboxes() -> frozenset[str]:
    """Return the mailboxes (`Address.mailbox`) of all targets of appeals that were published."""
    query = select(Target.emails).join(Appeal, Appeal.id == Target.appeal_id).where(Appeal.state != AppealState.DRAFT)
    mailboxes = (written_mailbox(email) for emails in db.session.scalars(query) for email in emails)
    return frozenset(mailbox for mailbox in mailboxes if mailbox)
