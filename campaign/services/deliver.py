"""Delivering the outbox: claim a batch, send one mail after the other, write each outcome down.

The guarantee: a mail that was committed is sent at least once or ends in a state that says why not, and it is sent
twice only where the connection or the worker broke behind the final dot. Not for anything but mail: long jobs have
their own queue.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from campaign.config import Settings
from campaign.domain.cipher import Vault
from campaign.domain.errors import TocsinError
from campaign.domain.outbox import (
    BATCH,
    BATCH_LEASE,
    SENDING_LEASE,
    Attempt,
    MailState,
    Outcome,
    after,
)
from campaign.domain.token import Tokens
from campaign.extensions import UtcDateTime, db
from campaign.mail.transport import Transport
from campaign.models import Mail
from campaign.queries.appeal import AppealView
from campaign.services.compose import Addressed, address, render
from campaign.services.transaction import transaction
from campaign.services.wanted import UnwantedError

log = logging.getLogger(__name__)

_SQLITE_CLOCK = select(func.strftime("%Y-%m-%d %H:%M:%f000", "now", type_=UtcDateTime))
_POSTGRESQL_CLOCK = select(func.clock_timestamp(type_=UtcDateTime))

# Nothing more will come of these; a dead mail may yet be tried again.
_GONE = {MailState.SENT, MailState.UNKNOWN, MailState.SUPPRESSED}


@dataclass(frozen=True, slots=True)
class Courier:
    """What delivering needs besides the database."""

    settings: Settings
    vault: Vault
    tokens: Tokens
    transport: Transport


@dataclass(frozen=True, slots=True)
class _Taken:
    """A claimed mail under its fence."""

    id: int
    fence: int


@dataclass(frozen=True, slots=True)
class _Job:
    """A mail about to be sent, under its fence."""

    mail_id: int
    fence: int
    mail: Addressed


def deliver_due(courier: Courier) -> Counter[str]:
    """Delivers one batch of what is due and returns how many mails took which outcome; empty where nothing was due."""
    outcomes: Counter[str] = Counter()
    appeals: dict[int, AppealView | None] = {}
    taken, leased_until = _claim()
    sent: tuple[_Job, Attempt] | None = None
    for position, one in enumerate(taken):
        # One transaction writes down what became of the mail before and marks the next one as being sent: once a
        # mail is marked, a break leaves it in doubt, so no other mail of the batch may be.
        with transaction() as session:
            now = database_now(session)
            if sent is not None:
                _write_down(session, *sent, now=now)
            if leased_until - now < BATCH_LEASE / 2:
                _renew(session, taken[position:], now)
                leased_until = now + BATCH_LEASE
            job = _start(session, one, courier, now, outcomes)
        sent = None
        if job is not None:
            attempt = _send(courier, job, appeals)
            outcomes[attempt.outcome.value] += 1
            sent = job, attempt
    if sent is not None:
        with transaction() as session:
            _write_down(session, *sent, now=database_now(session))
    return outcomes


def database_now(session: Session) -> datetime:
    """The database's clock, which all workers share; their own may differ."""
    embedded = session.get_bind().dialect.name == "sqlite"
    return session.execute(_SQLITE_CLOCK if embedded else _POSTGRESQL_CLOCK).scalar_one()


def _claim() -> tuple[list[_Taken], datetime]:
    """Takes a batch under a lease, and until when; first takes back what other workers left behind."""
    with transaction() as session:
        now = database_now(session)
        _sweep(session, now)
        due = (
            select(Mail.id)
            .where(
                # What was never tried is due whatever the clock of the process that wrote it says.
                or_(Mail.state == MailState.QUEUED, and_(Mail.state == MailState.RETRY, Mail.due_at <= now)),
                or_(Mail.lease_until.is_(None), Mail.lease_until < now),
            )
            .order_by(Mail.due_at, Mail.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        ids = list(session.scalars(due))
        if not ids:
            return [], now
        rows = session.execute(
            update(Mail)
            .where(Mail.id.in_(ids))
            .values(fence=Mail.fence + 1, lease_until=now + BATCH_LEASE)
            .returning(Mail.id, Mail.fence)
        )
        taken = [_Taken(mail_id, fence) for mail_id, fence in rows]
    return sorted(taken, key=lambda one: one.id), now + BATCH_LEASE


def _sweep(session: Session, now: datetime) -> None:
    """A mail whose worker broke while sending it may or may not have gone out."""
    stale = (
        select(Mail).where(Mail.state == MailState.SENDING, Mail.lease_until < now).with_for_update(skip_locked=True)
    )
    for mail in session.scalars(stale.limit(BATCH)):
        mail.fence += 1
        _conclude(mail, Attempt(Outcome.AMBIGUOUS, "worker", detail="the worker broke off"), now)


def _renew(session: Session, rest: list[_Taken], now: datetime) -> None:
    """Keeps the rest of the batch ours while a slow server takes its time."""
    ours = Mail.id.in_([one.id for one in rest]), Mail.state.in_([MailState.QUEUED, MailState.RETRY])
    session.execute(update(Mail).where(*ours).values(lease_until=now + BATCH_LEASE))


def _start(session: Session, one: _Taken, courier: Courier, now: datetime, outcomes: Counter[str]) -> _Job | None:
    """Marks the mail as being sent; None where another worker has it by now, or nobody wants it any more."""
    mail = session.get(Mail, one.id, with_for_update=True)
    if mail is None or mail.fence != one.fence or mail.state not in {MailState.QUEUED, MailState.RETRY}:
        return None
    try:
        addressed = address(session, mail, courier.vault)
    except TocsinError as error:
        outcome = Outcome.SUPPRESSED if isinstance(error, UnwantedError) else Outcome.DEAD
        _conclude(mail, Attempt(outcome, "before", detail=str(error)), now)
        outcomes[mail.state] += 1
        return None
    mail.state = MailState.SENDING
    mail.attempts += 1
    mail.lease_until = now + SENDING_LEASE
    return _Job(mail.id, mail.fence, addressed)


def _send(courier: Courier, job: _Job, appeals: dict[int, AppealView | None]) -> Attempt:
    """Renders and sends outside any transaction."""
    try:
        content = render(job.mail, courier.settings, courier.tokens, appeals).as_bytes()
    except Exception as error:  # one message that cannot be rendered must not stop the others
        log.exception("mail %s cannot be rendered", job.mail_id)
        return Attempt(Outcome.DEAD, "render", detail=type(error).__name__)
    finally:
        db.session.rollback()  # rendering reads; nothing stays open while the server takes its time
    return courier.transport.send(courier.settings.mail_from, job.mail.recipient, content)


def _write_down(session: Session, job: _Job, attempt: Attempt, *, now: datetime) -> None:
    """Only under the fence: a worker that lost its lease has lost its say."""
    mail = session.get(Mail, job.mail_id, with_for_update=True)
    if mail is not None and mail.fence == job.fence and mail.state == MailState.SENDING:
        _conclude(mail, attempt, now)


def _conclude(mail: Mail, attempt: Attempt, now: datetime) -> None:
    if attempt.outcome is Outcome.AMBIGUOUS:
        mail.ambiguous += 1
    jitter = random.random()  # noqa: S311  no secret
    following = after(
        attempt.outcome,
        attempts=mail.attempts,
        ambiguous=mail.ambiguous,
        age=now - mail.created_at,
        jitter=jitter,
    )
    mail.state = following.state
    mail.due_at = now + following.wait
    mail.lease_until = None
    mail.phase, mail.code, mail.detail = attempt.phase, attempt.code, attempt.detail or None
    if following.state == MailState.SENT:
        mail.sent_at = now
    if following.state in _GONE:
        mail.recipient_sealed = mail.context_sealed = None
