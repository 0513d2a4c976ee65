"""The rules that decide whether a mail may still be sent, at the time when it is due."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.announcements.announcement import AnnouncementState
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.outbox.mail_kind import CAMPAIGN_KINDS, MailKind
from campaign.domain.signing.signature import SignatureState
from campaign.models import Announcement, Appeal, Mail, Signature
from campaign.services.outbox.answer import IneligibleError


def check_sendable(session: Session, mail: Mail, signature: Signature, appeal: Appeal) -> None:
    """Raise IneligibleError, with the reason, where this mail to a signer must not be sent after all."""
    rules = MailKind(mail.kind).rules
    if signature.state != SignatureState.CONFIRMED and not rules.is_for_any_state:
        raise IneligibleError(f"the signature is {signature.state}")
    if appeal.state == AppealState.STOPPED and not rules.is_sent_after_stop:
        raise IneligibleError("the appeal was stopped")
    if appeal.state != AppealState.OPEN and rules.needs_open:
        raise IneligibleError(f"the appeal is {appeal.state}")
    if mail.kind in CAMPAIGN_KINDS:
        _check_updates_wanted(session, mail, signature)


def _check_updates_wanted(session: Session, mail: Mail, signature: Signature) -> None:
    """Raise IneligibleError where the signer wants no updates, or the announcement was stopped."""
    if not signature.wants_updates:
        raise IneligibleError("the signer wants no updates")
    state = session.scalar(select(Announcement.state).where(Announcement.id == mail.announcement_id))
    if state == AnnouncementState.STOPPED:
        raise IneligibleError("the announcement was stopped")
