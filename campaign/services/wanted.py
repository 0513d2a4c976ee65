"""Whether a mail that is owed is still wanted when its turn comes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from campaign.domain.announcement import AnnouncementState
from campaign.domain.appeal import AppealState
from campaign.domain.errors import StateError
from campaign.domain.outbox import CAMPAIGN, CAPPED, CAPS, MailKind
from campaign.domain.signature import SignatureState
from campaign.models import Announcement, Appeal, Mail, Signature

_ANY = frozenset(state.value for state in SignatureState)
# Which signature still wants which message; anything else has been overtaken.
_STATES = {
    MailKind.CONFIRMATION.value: {SignatureState.PENDING.value},
    MailKind.CONFIRMATION_REMINDER.value: {SignatureState.PENDING.value},
    MailKind.NEW_LINK.value: _ANY,
}
_CONFIRMED = {SignatureState.CONFIRMED.value}
# What makes sense only while there is something to do.
_NEEDS_OPEN = {MailKind.CONFIRMATION_REMINDER.value, MailKind.DEADLINE_REMINDER.value}
# How the case ended is told, and one's own data shown, after the appeal was stopped too.
_AFTER_STOP = {MailKind.NEW_LINK.value, MailKind.UPDATE.value, MailKind.OUTCOME.value}

# The oldest first: those that went out stand before the many that did not, so that a flood costs no more than a few.
_EARLIER = (
    select(Mail.created_at)
    .where(
        Mail.mailbox_digest == bindparam("mailbox"),
        Mail.created_at > bindparam("since"),
        Mail.id < bindparam("id"),
        text("mail.state <> 'suppressed'"),
        text("mail.kind IN ({})".format(", ".join(f"'{kind}'" for kind in sorted(CAPPED)))),
    )
    .order_by(Mail.created_at)
    .limit(bindparam("most"))
)


class UnwantedError(StateError):
    """Nobody wants this mail any more; the message says why."""


def refuse_unwanted(session: Session, mail: Mail, signature: Signature, appeal: Appeal) -> None:
    """Raises UnwantedError with the reason where this mail to a signer is not to be sent after all."""
    if signature.state not in _STATES.get(mail.kind, _CONFIRMED):
        raise UnwantedError(f"the signature is {signature.state}")
    if appeal.state == AppealState.STOPPED and mail.kind not in _AFTER_STOP:
        raise UnwantedError("the appeal was stopped")
    if appeal.state != AppealState.OPEN and mail.kind in _NEEDS_OPEN:
        raise UnwantedError(f"the appeal is {appeal.state}")
    if mail.kind in CAMPAIGN:
        _refuse_unsubscribed(session, mail, signature)
    if mail.kind in CAPPED:
        _refuse_too_many(session, mail)


def _refuse_unsubscribed(session: Session, mail: Mail, signature: Signature) -> None:
    if not signature.wants_updates:
        raise UnwantedError("the signer wants no updates")
    state = session.scalar(select(Announcement.state).where(Announcement.id == mail.announcement_id))
    if state == AnnouncementState.STOPPED:
        raise UnwantedError("the announcement was stopped")


def _refuse_too_many(session: Session, mail: Mail) -> None:
    # Counted here and not when signing: in the order of ids the answer is the same whoever else is signing.
    # The widest window allows the most: what was read for it, where it is not too much, is all there is.
    widest, limit = max(CAPS)
    mine = {"mailbox": mail.mailbox_digest, "id": mail.id, "since": mail.created_at - widest, "most": limit}
    earlier = session.scalars(_EARLIER, mine).all()
    for window, most in CAPS:
        if sum(created_at > mail.created_at - window for created_at in earlier) >= most:
            raise UnwantedError(f"this mailbox got {most} mails within {window / timedelta(hours=1):g} hours")
