"""One mail's delivery in the database: begun under its fence, and what became of it written down.

The guarantee: a mail that was committed is sent at least once or ends in a state that says why not, and it is sent
twice only where the connection or the worker broke behind the final dot. Not for anything but mail: long jobs have
their own queue. Which mail goes next, and over which connection, is the dispatcher's.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from campaign.domain.address import parse_address
from campaign.domain.cipher import Vault
from campaign.domain.errors import InputError, TocsinError
from campaign.domain.outbox import (
    BATCH,
    GIVE_UP_AFTER,
    SENDING_LEASE,
    Attempt,
    MailState,
    Outcome,
    SuppressionReason,
    after,
)
from campaign.models import Mail
from campaign.services.claim import Taken
from campaign.services.compose import Addressed, address, signers
from campaign.services.hold import time_held
from campaign.services.suppress import suppress
from campaign.services.wanted import UnwantedError

log = logging.getLogger(__name__)

# Nothing more will come of these; a dead mail may yet be tried again.
_GONE = {MailState.SENT, MailState.UNKNOWN, MailState.SUPPRESSED}
_BY_FENCE = update(Mail).execution_options(synchronize_session=False)
_OUTCOME = _BY_FENCE.where(
    Mail.id == bindparam("mail"), Mail.fence == bindparam("held"), Mail.state == bindparam("before")
).values(
    {
        name: bindparam(name)
        for name in ("state", "due_at", "fence", "attempts", "ambiguous", "phase", "code", "detail", "sent_at")
    }
    | {"lease_until": None}
)
_OUTCOME_GONE = _OUTCOME.values(recipient_sealed=None, context_sealed=None)
_MARKED = _BY_FENCE.where(Mail.id.in_(bindparam("mails", expanding=True))).values(
    state=MailState.SENDING.value, attempts=Mail.attempts + 1, lease_until=bindparam("until")
)
_ROWS = (
    select(Mail)
    .where(Mail.id.in_(bindparam("mails", expanding=True)))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_STALE = (
    select(Mail)
    .where(text("mail.state = 'sending'"))
    .order_by(Mail.lease_until)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a mail stood when it was taken up; only who holds the fence changes it."""

    id: int
    fence: int
    domain: bytes
    created_at: datetime
    attempts: int
    ambiguous: int

    @classmethod
    def of(cls, mail: Mail) -> Standing:
        """That of a row."""
        return cls(mail.id, mail.fence, mail.domain_digest, mail.created_at, mail.attempts, mail.ambiguous)


@dataclass(frozen=True, slots=True)
class Job:
    """A mail that is being sent; `standing` counts the attempt under way."""

    standing: Standing
    mail: Addressed
    is_probe: bool = False


def begin(
    session: Session, taken: list[Taken], vault: Vault, now: datetime, *, is_probe: bool = False
) -> tuple[list[Job], list[MailState]]:
    """Marks the mails as being sent, and what became at once of those that are not sent after all.

    Once a mail is marked, a break leaves it in doubt: begin no more than can be handed over at once.
    """
    jobs: list[Job] = []
    ended: list[MailState] = []
    mails = {mail.id: mail for mail in session.scalars(_ROWS, {"mails": [one.id for one in taken]})}
    known = signers(session, mails.values())
    for one in taken:
        mail = mails.get(one.id)
        if mail is None or mail.fence != one.fence or mail.state not in {MailState.QUEUED, MailState.RETRY}:
            continue  # another worker has it by now
        standing = Standing.of(mail)
        try:
            addressed = address(session, mail, known, vault)
        except TocsinError as error:
            outcome = Outcome.SUPPRESSED if isinstance(error, UnwantedError) else Outcome.DEAD
            ended.append(_write(session, standing, Attempt(outcome, "before", detail=str(error)), now, mail.state))
            continue
        jobs.append(Job(replace(standing, attempts=standing.attempts + 1), addressed, is_probe))
    if jobs:
        session.execute(_MARKED, {"mails": [job.standing.id for job in jobs], "until": now + SENDING_LEASE})
    return jobs, ended


def conclude(session: Session, job: Job, attempt: Attempt, vault: Vault, now: datetime) -> MailState:
    """Writes down what became of the mail; under the fence, for a worker that lost its lease has lost its say."""
    if attempt.outcome is Outcome.REFUSED:
        _suppress(session, job.mail.recipient, vault, now)
    return _write(session, job.standing, attempt, now, MailState.SENDING)


def renew_sending(session: Session, jobs: list[Job], now: datetime) -> None:
    """Keeps those ours whose server takes its time."""
    for job in jobs:
        ours = Mail.id == job.standing.id, Mail.fence == job.standing.fence, Mail.state == MailState.SENDING
        session.execute(_BY_FENCE.where(*ours).values(lease_until=now + SENDING_LEASE))


def sweep(session: Session, now: datetime) -> list[MailState]:
    """Takes back what broken workers left behind: those mails may or may not have gone out. What becomes of them."""
    states = []
    stale = session.scalars(_STALE.where(Mail.lease_until < now)).all()
    for mail in stale:
        attempt = Attempt(Outcome.AMBIGUOUS, "worker", detail="the worker broke off")
        states.append(_write(session, Standing.of(mail), attempt, now, MailState.SENDING, takes_over=True))
    return states


def _write(
    session: Session, mail: Standing, attempt: Attempt, now: datetime, before: str, *, takes_over: bool = False
) -> MailState:
    age = now - mail.created_at
    if attempt.outcome is Outcome.RETRY and age >= GIVE_UP_AFTER:
        age -= time_held(session, mail.created_at, now)
    ambiguous = mail.ambiguous + (attempt.outcome is Outcome.AMBIGUOUS)
    # Where nothing was tried, no attempt is used up.
    attempts = mail.attempts - (attempt.outcome in {Outcome.HELD, Outcome.AWAY})
    jitter = random.random()  # noqa: S311  no secret
    following = after(attempt.outcome, attempts=attempts, ambiguous=ambiguous, age=age, jitter=jitter)
    is_gone = following.state in _GONE
    outcome = {
        "mail": mail.id,
        "held": mail.fence,
        "before": before,
        "state": following.state.value,
        "due_at": now + following.wait,
        "fence": mail.fence + 1 if takes_over else mail.fence,
        "attempts": attempts,
        "ambiguous": ambiguous,
        "phase": attempt.phase,
        "code": attempt.code,
        "detail": attempt.detail or None,
        "sent_at": now if following.state is MailState.SENT else None,
    }
    session.execute(_OUTCOME_GONE if is_gone else _OUTCOME, outcome)
    if following.state is MailState.UNKNOWN:
        log.error("mail %s: nobody knows whether it went out; it is not sent again", mail.id)
    return following.state


def _suppress(session: Session, recipient: str, vault: Vault, now: datetime) -> None:
    try:
        digest = vault.address_digest(parse_address(recipient))
    except InputError:
        return
    suppress(session, digest, SuppressionReason.REFUSED, now=now)
