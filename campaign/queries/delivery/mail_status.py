"""The state of the outbox, for operators, the staff page and `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, or_, select, text, true

from campaign.domain.outbox.mail_kind import ANSWER_KINDS, MailKind
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy.cipher import Vault
from campaign.models import Mail, QueuePause, Signature
from campaign.platform import db
from campaign.platform.database.clock import DatabaseClock
from campaign.queries.signing.person import domain_of

# A domain is named only if this many mailboxes share it. A personal domain would reveal who signed.
MIN_MAILBOXES = 20
# At most so many domains are named, because each name must be decrypted.
MAX_NAMED = 20
# Written exactly as in the partial index, or SQLite would not use the index.
_IS_UNDELIVERED = text("mail.state IN ('dead', 'unknown')")
_IS_SUPPRESSED = text("mail.state = 'suppressed'")
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class QueuePauseView:
    """The pause of the queue: its start, the server's reply, and the time of the next probe."""

    began_at: datetime
    probe_at: datetime
    phase: str
    code: int | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """The number of mails in each state, the age of the oldest waiting one in seconds, and the pause, if any."""

    by_state: dict[str, int]
    oldest_due_seconds: float
    pause: QueuePauseView | None


@dataclass(frozen=True, slots=True)
class StaffOutbox:
    """Mails by state, without answers to forms unless they failed, and the number of these answers."""

    by_state: dict[str, int]
    answers: int


@dataclass(frozen=True, slots=True)
class FailedMailGroup:
    """Undelivered mails with the same reason: the phase of the session, the code and the server's text."""

    state: str
    kind: str
    phase: str | None
    code: int | None
    detail: str | None
    number: int
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class UnsentMailGroup:
    """Suppressed mails of one kind with the same reason."""

    kind: str
    detail: str | None
    number: int
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class DomainOutcome:
    """The outcomes of the mail to one domain; `domain` is None for all domains that few mailboxes share."""

    domain: str | None
    by_state: dict[str, int]
    bounced: int


def outbox_status() -> OutboxStatus:
    """Return the current state of the outbox, with all states of mails. Ages are by the database's clock."""
    counts = {state: int(number) for state, number in db.session.execute(_BY_STATE)}
    row: tuple[Any, ...] = tuple(db.session.execute(_OLDEST).one())
    now, *oldest = row
    return OutboxStatus(
        by_state={state.value: counts.get(state.value, 0) for state in MailState},
        oldest_due_seconds=max([0.0, *((now - since).total_seconds() for since in oldest if since is not None)]),
        pause=queue_pause(),
    )


def outbox_for_staff() -> StaffOutbox:
    """Return the mails by state as staff may see them.

    A staff member who types an address into a form must not learn from a changed number what that address has done. So
    answers to forms are one number, whatever their outcome, and new links, which only signers get, are not counted.
    Mails that a server refused reveal nothing, and are shown.
    """
    counts: dict[str, int] = dict.fromkeys((state.value for state in MailState), 0)
    answers = 0
    for kind, state, number in db.session.execute(_BY_KIND):
        if kind not in ANSWER_KINDS or state in _FAILED_STATES:
            counts[state] += number
        elif kind != MailKind.NEW_LINK:
            answers += number
    return StaffOutbox(counts, answers)


def queue_pause() -> QueuePauseView | None:
    """Return the current pause of the queue; None if there is none."""
    pause = db.session.scalars(select(QueuePause).where(QueuePause.is_open)).one_or_none()
    return (
        None if pause is None else QueuePauseView(pause.began_at, pause.probe_at, pause.phase, pause.code, pause.detail)
    )


def failed_mail_groups() -> tuple[FailedMailGroup, ...]:
    """Return the undelivered mails by reason, the most frequent first."""
    keys = (Mail.state, Mail.kind, Mail.phase, Mail.code, Mail.detail)
    number = func.count().label("number")
    statement = select(*keys, number, func.max(Mail.created_at)).where(_IS_UNDELIVERED).group_by(*keys)
    return tuple(FailedMailGroup(*row) for row in db.session.execute(statement.order_by(number.desc(), *keys)))


def unsent_mail_groups(*, now: datetime) -> tuple[UnsentMailGroup, ...]:
    """Return the mails suppressed within the last week by reason, the most frequent first.

    Of answers to forms only those of floods are included. New links are left out, because only signers get them.
    """
    number = func.count().label("number")
    statement = select(Mail.kind, Mail.detail, number, func.max(Mail.created_at)).where(_IS_SUPPRESSED)
    statement = statement.where(Mail.kind != MailKind.NEW_LINK)
    grouped = statement.where(Mail.created_at > now - _WEEK).group_by(Mail.kind, Mail.detail)
    return tuple(
        UnsentMailGroup(*row) for row in db.session.execute(grouped.order_by(number.desc(), Mail.kind, Mail.detail))
    )


def domain_outcomes(vault: Vault, *, now: datetime, is_for_staff: bool = True) -> tuple[DomainOutcome, ...]:
    """Return the outcomes of the last week's mail by domain, the busiest first; the last entry is for unnamed domains.

    For staff, only failed answers to forms are included: the others would reveal what an address typed into a form has
    done. Operators, who can read the database anyway, see all.
    """
    is_included = or_(Mail.kind.not_in(ANSWER_KINDS), Mail.state.in_(_FAILED_STATES)) if is_for_staff else true()
    state_counts = {state: func.count(case((Mail.state == state, 1))) for state in MailState}
    rows = db.session.execute(
        select(
            Mail.domain_digest,
            # Confirmed signers only: other mail refers to no row once it is sent.
            func.count(Mail.signature_id.distinct()),
            func.max(Mail.signature_id),
            func.count(Mail.bounced_at),
            *state_counts.values(),
        )
        .where(Mail.created_at > now - _WEEK, is_included)
        .group_by(Mail.domain_digest)
        .order_by(func.count().desc())
    ).all()
    named_count, other_bounced = 0, 0
    outcomes, other_counts = [], dict.fromkeys((state.value for state in MailState), 0)
    for _, mailboxes, signature_id, bounced, *state_numbers in rows:
        by_state = {state.value: int(number) for state, number in zip(state_counts, state_numbers, strict=True)}
        is_shared = mailboxes >= MIN_MAILBOXES and named_count < MAX_NAMED
        named_count += is_shared
        domain = _domain_of(signature_id, vault) if is_shared else None
        if domain is not None:
            outcomes.append(DomainOutcome(domain, by_state, bounced))
            continue
        other_bounced += bounced
        other_counts = {state: number + by_state[state] for state, number in other_counts.items()}
    return (
        (*outcomes, DomainOutcome(None, other_counts, other_bounced)) if any(other_counts.values()) else tuple(outcomes)
    )


def _domain_of(signature_id: int | None, vault: Vault) -> str | None:
    """Return the name of the domain, from a signature with an address there; None if it cannot be decrypted."""
    row = None if signature_id is None else db.session.get(Signature, signature_id)
    return domain_of(row, vault)


_FAILED_STATES = (MailState.DEAD.value, MailState.UNKNOWN.value)
_BY_KIND = select(Mail.kind, Mail.state, func.count()).group_by(Mail.kind, Mail.state)
_BY_STATE = select(Mail.state, func.count()).group_by(Mail.state)
# Written exactly as in the partial indexes. A mail without an attempt waits since it was created, however often it was
# postponed while the server was unreachable. A mail with an attempt waits since its next attempt became due.
_NEVER_ATTEMPTED = text("mail.state IN ('queued', 'retry') AND mail.attempts = 0")
_TO_RETRY = text("mail.state = 'retry' AND mail.attempts > 0")
# A mail that is postponed because its mailbox has reached the daily limit does not count as waiting.
_IS_NOT_POSTPONED = text("coalesce(mail.phase, '') <> 'before'")
_OLDEST = select(
    DatabaseClock(),
    select(Mail.created_at)
    .where(_NEVER_ATTEMPTED, _IS_NOT_POSTPONED)
    .order_by(Mail.created_at)
    .limit(1)
    .scalar_subquery(),
    select(Mail.due_at).where(_TO_RETRY).order_by(Mail.due_at).limit(1).scalar_subquery(),
)
