"""Whether a mail that is owed is still wanted when its turn comes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.announcements.announcement import AnnouncementState
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.outbox.mail_state import CAMPAIGN, MailKind
from campaign.domain.signing.signature import SignatureState
from campaign.models import Announcement, Appeal, Mail, Signature
from campaign.services.outbox.answer import IneligibleError

_ANY = frozenset(state.value for state in SignatureState)
# Which signature still wants which message; anything else has been overtaken.
_STATES = {
    MailKind.NEW_LINK.value: _ANY,
}
_CONFIRMED = {SignatureState.CONFIRMED.value}
# What makes sense only while there is something to do.
_NEEDS_OPEN = {MailKind.DEADLINE_REMINDER.value}
# How the case ended is told, and one's own data shown, after the appeal was stopped too.
_AFTER_STOP = {MailKind.NEW_LINK.value, MailKind.UPDATE.value, MailKind.OUTCOME.value}


def refuse_unwanted(session: Session, mail: Mail, signature: Signature, appeal: Appeal) -> None:
    """Raises UnwantedError with the reason where this mail to a signer is not to be sent after all."""
    if signature.state not in _STATES.get(mail.kind, _CONFIRMED):
        raise IneligibleError(f"the signature is {signature.state}")
    if appeal.state == AppealState.STOPPED and mail.kind not in _AFTER_STOP:
        raise IneligibleError("the appeal was stopped")
    if appeal.state != AppealState.OPEN and mail.kind in _NEEDS_OPEN:
        raise IneligibleError(f"the appeal is {appeal.state}")
    if mail.kind in CAMPAIGN:
        _refuse_unsubscribed(session, mail, signature)


def _refuse_unsubscribed(session: Session, mail: Mail, signature: Signature) -> None:
    if not signature.wants_updates:
        raise IneligibleError("the signer wants no updates")
    state = session.scalar(select(Announcement.state).where(Announcement.id == mail.announcement_id))
    if state == AnnouncementState.STOPPED:
        raise IneligibleError("the announcement was stopped")
