"""Whether a mail that is owed is still wanted when its turn comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Interval,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from campaign.domain.announcement import AnnouncementState
from campaign.domain.appeal import AppealState
from campaign.domain.errors import StateError
from campaign.domain.outbox import CAMPAIGN, CAPPED, CAPS, MailKind
from campaign.domain.signature import SignatureState
from campaign.extensions.among import among
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


_Value = ColumnElement[Any] | InstrumentedAttribute[Any]
# Ids are given out before their rows can be seen: a later one may have left while this one was still being written.
_LEFT = "(mail.state IN ('sending', 'sent', 'unknown') OR mail.ambiguous > 0)"
# The widest window allows the most: of twice as many, on one side of a mail there are too many.
_WIDEST, _MOST = max(CAPS)


def _before(mailbox: _Value, since: _Value, mail_id: _Value) -> Select[int, datetime]:
    """What a mailbox was sent before a mail: all with a lower id, and what left already.

    The oldest first: those that went out stand before the many that did not, so that a flood costs no more than a few.
    """
    return (
        select(Mail.id, Mail.created_at)
        .where(
            Mail.mailbox_digest == mailbox,
            Mail.created_at > since,
            or_(Mail.id < mail_id, and_(Mail.id > mail_id, text(_LEFT))),
            text("mail.state <> 'suppressed'"),
            text("mail.kind IN ({})".format(", ".join(f"'{kind}'" for kind in sorted(CAPPED)))),
        )
        .order_by(Mail.created_at)
        .limit(2 * _MOST)
    )


def _before_each() -> Select[int, int, datetime]:
    """The same for many mails, at once."""
    asked = aliased(Mail)
    found = _before(asked.mailbox_digest, asked.created_at - literal(_WIDEST, Interval), asked.id).lateral()
    return select(asked.id, found.c.id, found.c.created_at).join(found, true()).where(among(asked.id, "mails"))


def _before_each_on_sqlite() -> Select[int, int, datetime]:
    """The same without a lateral join, which SQLite does not know; what it asks for each is a list of ids instead."""
    asked, found = aliased(Mail), aliased(Mail)
    since = func.strftime("%Y-%m-%d %H:%M:%f", asked.created_at, f"-{_WIDEST.total_seconds():.0f} seconds")
    each = _before(asked.mailbox_digest, since, asked.id).with_only_columns(Mail.id)
    return select(asked.id, found.id, found.created_at).join(found, found.id.in_(each)).where(among(asked.id, "mails"))


_EARLIER = _before(bindparam("mailbox"), bindparam("since"), bindparam("id"))
_EARLIER_OF_EACH = {"postgresql": _before_each(), "sqlite": _before_each_on_sqlite()}


# Until the end of the transaction nobody else judges mails of these mailboxes: what they decide is seen afterwards.
# In the order of the numbers, so that two workers never wait for each other. SQLite has one writer anyway.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(mailbox) FROM unnest(:mailboxes) AS mailbox").bindparams(
    bindparam("mailboxes", type_=ARRAY(BigInteger))
)


def _number(digest: bytes | None) -> int:
    return int.from_bytes((digest or b"")[:8], "big", signed=True)


class UnwantedError(StateError):
    """Nobody wants this mail any more; the message says why."""


class Earlier:
    """What the mailboxes of some mails were sent before, read at once for all of them."""

    def __init__(self, session: Session, mails: Iterable[Mail]) -> None:
        """Only capped mails have anything to be asked for."""
        self._session = session
        self._refused: set[int] = set()
        self._found: dict[int, list[tuple[int, datetime]]] = {}
        capped = [mail for mail in mails if mail.kind in CAPPED and mail.mailbox_digest is not None]
        if not capped:
            return
        dialect = session.connection().dialect.name
        if dialect == "postgresql":
            session.execute(_ONE_AT_A_TIME, {"mailboxes": sorted({_number(mail.mailbox_digest) for mail in capped})})
        rows = session.execute(_EARLIER_OF_EACH[dialect], {"mails": [mail.id for mail in capped]})
        for mail_id, number, created_at in rows:
            self._found.setdefault(mail_id, []).append((number, created_at))

    def refuse(self, mail: Mail) -> None:
        """That mail has just been suppressed: it counts against no other."""
        self._refused.add(mail.id)

    def before(self, mail: Mail) -> list[datetime]:
        """When the mailbox was sent other mails, as many as can matter."""
        found = self._found.get(mail.id, [])
        if any(number in self._refused for number, _ in found):
            found = self._read(mail)
        return [created_at for _, created_at in found]

    def _read(self, mail: Mail) -> list[tuple[int, datetime]]:
        mine = {"mailbox": mail.mailbox_digest, "since": mail.created_at - _WIDEST, "id": mail.id}
        return [(number, created_at) for number, created_at in self._session.execute(_EARLIER, mine)]


def refuse_unwanted(session: Session, mail: Mail, signature: Signature, appeal: Appeal, earlier: Earlier) -> None:
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
        _refuse_too_many(mail, earlier.before(mail))


def _refuse_unsubscribed(session: Session, mail: Mail, signature: Signature) -> None:
    if not signature.wants_updates:
        raise UnwantedError("the signer wants no updates")
    state = session.scalar(select(Announcement.state).where(Announcement.id == mail.announcement_id))
    if state == AnnouncementState.STOPPED:
        raise UnwantedError("the announcement was stopped")


def _refuse_too_many(mail: Mail, earlier: list[datetime]) -> None:
    # Counted here and not when signing: in the order of ids the answer is the same whoever else is signing.
    mine = mail.created_at
    for window, most in CAPS:
        begins = [at for at in (*earlier, mine) if mine - window < at <= mine]
        if any(sum(begin <= at < begin + window for at in earlier) >= most for begin in begins):
            raise UnwantedError(f"this mailbox got {most} mails within {window / timedelta(hours=1):g} hours")
