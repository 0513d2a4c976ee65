"""One mail's delivery in the database: begun under its fence, and what became of it written down.

The guarantee: a mail that was committed is sent at least once or ends in a state that says why not, and it is sent
twice only where the connection or the worker broke behind the final dot. Not for anything but mail: long jobs have
their own queue. Which mail goes next, and over which connection, is the dispatcher's.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError, InputError, TocsinError
from campaign.domain.outbox.mail_kind import ALIKE, ANSWERS
from campaign.domain.outbox.mail_state import (
    BATCH,
    GIVE_UP_AFTER,
    SENDING_LEASE,
    UNCARRIED,
    DeliveryAttempt,
    DeliveryOutcome,
    MailState,
    SuppressionReason,
    after,
)
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.mail.smtp.client import NOT_CARRIED
from campaign.models import Mail
from campaign.platform.context import Context
from campaign.platform.database.any_of_ids import any_of_ids
from campaign.services.abuse.alert import note_alert
from campaign.services.counting.tally import hour_of
from campaign.services.delivery.claim import ClaimedMail
from campaign.services.delivery.compose import AddressedMail, address, limited, signers
from campaign.services.delivery.queue_pause import time_paused
from campaign.services.keys.row_key import erase_keys
from campaign.services.outbox.answer import AnsweredError, FormReplies, IneligibleError, PostponedError, note_mailed
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.services.outbox.subject import MailedPerson, readable_subject, sealed_subject
from campaign.services.outbox.suppression import suppress

log = logging.getLogger(__name__)

# Nothing more will come of these; a dead mail may yet be tried again.
_GONE = {MailState.SENT, MailState.UNKNOWN, MailState.SUPPRESSED}
_BY_FENCE = update(Mail).execution_options(synchronize_session=False)
# What is set is what the row of values names.
_OUTCOME = update(Mail).where(
    Mail.id == bindparam("mail"), Mail.fence == bindparam("held"), Mail.state == bindparam("before")
)
_MARKED = _BY_FENCE.where(any_of_ids(Mail.id, "mails")).values(
    state=MailState.SENDING.value, attempts=Mail.attempts + 1, lease_until=bindparam("until")
)
_ROWS = select(Mail).where(any_of_ids(Mail.id, "mails")).with_for_update().execution_options(populate_existing=True)
_CLEARED = select(Mail.id).where(any_of_ids(Mail.id, "mails"), Mail.recipient_sealed.is_(None))
_STALE = (
    select(Mail)
    .where(text("mail.state = 'sending'"))
    .order_by(Mail.lease_until)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)


@dataclass(frozen=True, slots=True)
class FencedMail:
    """How a mail stood when it was taken up; only who holds the fence changes it."""

    id: int
    fence: int
    message_id: str
    domain: bytes
    created_at: datetime
    due_at: datetime
    attempts: int
    ambiguous: int
    # What it answers or whom it goes to, once nothing more comes of it.
    use: str
    subject: MailedPerson
    # Nobody is to read in the row whether it left.
    is_alike: bool
    # Of a mail to somebody who is no signer: its key is erased once nothing more comes of it.
    recipient_sealed: bytes | None

    @classmethod
    def of(cls, mail: Mail, subject: MailedPerson) -> FencedMail:
        """Return that of a row, which is about the subject."""
        use = "forms" if mail.kind in ANSWERS else "signers" if mail.signature_id is not None else "staff"
        numbers = mail.attempts, mail.ambiguous
        fixed = mail.message_id or "", mail.domain_digest, mail.created_at, mail.due_at
        is_alike = mail.kind in ALIKE
        return cls(mail.id, mail.fence, *fixed, *numbers, use, subject, is_alike, mail.recipient_sealed)


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """A mail that is being sent; `standing` counts the attempt under way."""

    standing: FencedMail
    mail: AddressedMail
    is_probe: bool = False


@dataclass(slots=True)
class BegunBatch:
    """The mails to be handed over, what became at once of others, and whether something sealed did not open."""

    jobs: list[DeliveryJob] = field(default_factory=list)
    ended: list[MailState] = field(default_factory=list)
    has_unopened: bool = False


def begin(
    session: Session,
    taken: list[ClaimedMail],
    *,
    addressees: RefusedRecipients,
    is_probe: bool = False,
    context: Context,
) -> BegunBatch:
    """Mark the mails as being sent, and write down what became at once of those that are not sent after all.

    Once a mail is marked, a break leaves it in doubt: begin no more than can be handed over at once.
    """
    vault, now = context.vault, context.now
    begun = BegunBatch()
    mails = {mail.id: mail for mail in session.scalars(_ROWS, {"mails": [one.id for one in taken]})}
    subjects = {mail.id: readable_subject(mail, vault) for mail in mails.values()}
    known = signers(session, subjects.values(), vault)
    others = limited(((mail, subjects[mail.id]) for mail in mails.values()), known, vault)
    forms = [subject.sign_up_id for subject in subjects.values() if subject.sign_up_id is not None]
    answers = FormReplies(session, forms, others, vault, addressees, now)
    for one in taken:
        mail = mails.get(one.id)
        if mail is None or mail.fence != one.fence or mail.state not in {MailState.QUEUED, MailState.RETRY}:
            continue  # another worker has it by now
        subject = subjects[mail.id]
        standing = FencedMail.of(mail, subject)
        try:
            addressed = address(session, mail, subject, known, answers, vault, now)
        except PostponedError as error:
            _write(session, [_postponed(standing, error, mail.state)])
            continue
        except TocsinError as error:
            is_ineligible = isinstance(error, IneligibleError)
            if isinstance(error, CipherError):
                log.exception("mail %s cannot be sent", mail.id)
                begun.has_unopened = True
            if standing.is_alike or (subject.sign_up_id is not None and is_ineligible and not _is_open(error)):
                if subject.sign_up_id is not None and not isinstance(error, AnsweredError):
                    note_mailed(session, answers.own(subject.sign_up_id), mail.created_at)
                _write(session, [_needless(session, standing, now, vault, mail.state)])
                continue
            attempt = DeliveryAttempt(
                DeliveryOutcome.SUPPRESSED if is_ineligible else DeliveryOutcome.DEAD, "before", detail=str(error)
            )
            state, outcome = _outcome(session, standing, attempt, now, vault, mail.state)
            _write(session, [outcome])
            begun.ended.append(state)
            continue
        begun.jobs.append(DeliveryJob(replace(standing, attempts=standing.attempts + 1), addressed, is_probe))
    _forget_recipients(session, {mail.id: mail.recipient_sealed for mail in mails.values()}, vault, now)
    if begun.jobs:
        session.execute(_MARKED, {"mails": [job.standing.id for job in begun.jobs], "until": now + SENDING_LEASE})
    return begun


def conclude(
    session: Session, results: Iterable[tuple[DeliveryJob, DeliveryAttempt]], *, context: Context
) -> list[MailState]:
    """Writes down what became of the mails; under the fence, for a worker that lost its lease has lost its say."""
    vault, now = context.vault, context.now
    states, outcomes, recipients = [], [], {}
    for job, attempt in results:
        recipients[job.standing.id] = job.standing.recipient_sealed
        if attempt.outcome is DeliveryOutcome.REFUSED:
            _suppress(session, job.mail.recipient, vault, now)
        if attempt.detail == NOT_CARRIED:
            note_alert(session, UNCARRIED, now=now)
        state, outcome = _outcome(session, job.standing, attempt, now, vault, MailState.SENDING)
        states.append(state)
        if job.mail.covered and state in _GONE:
            outcome |= _named(job.standing, MailedPerson(job.mail.covered[0].sign_up_id), vault)
            outcome |= _answered(job.mail.created_at) if state is MailState.SENT else {}
        outcomes.append(_as_any(job.standing, state, outcome, vault))
        if state is MailState.SENT:
            note_mailed(session, job.mail.covered, job.mail.created_at)
    _write(session, outcomes)
    _forget_recipients(session, recipients, vault, now)
    return states


def renew_sending(session: Session, jobs: list[DeliveryJob], now: datetime) -> None:
    """Keeps those ours whose server takes its time."""
    for job in jobs:
        ours = Mail.id == job.standing.id, Mail.fence == job.standing.fence, Mail.state == MailState.SENDING
        session.execute(_BY_FENCE.where(*ours).values(lease_until=now + SENDING_LEASE))


def sweep(session: Session, *, context: Context) -> list[MailState]:
    """Takes back what broken workers left behind: those mails may or may not have gone out. What becomes of them."""
    vault, now = context.vault, context.now
    states, outcomes, recipients = [], [], {}
    for mail in session.scalars(_STALE.where(Mail.lease_until < now)).all():
        recipients[mail.id] = mail.recipient_sealed
        attempt = DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "worker", detail="the worker broke off")
        standing = FencedMail.of(mail, readable_subject(mail, vault))
        state, outcome = _outcome(session, standing, attempt, now, vault, MailState.SENDING)
        states.append(state)
        # Whoever had it has lost its say.
        outcomes.append(_as_any(standing, state, outcome, vault) | {"fence": mail.fence + 1})
    _write(session, outcomes)
    _forget_recipients(session, recipients, vault, now)
    return states


def _forget_recipients(session: Session, recipients: Mapping[int, bytes | None], vault: Vault, now: datetime) -> None:
    """Erase the keys of those mails to staff of which nothing more comes; a mail to a signer has none of its own.

    The rows say which: a worker that lost its lease has cleared none.
    """
    sealed = {one: recipient for one, recipient in recipients.items() if recipient is not None}
    if sealed:
        cleared = session.scalars(_CLEARED, {"mails": sorted(sealed)}).all()
        erase_keys(session, [sealed[one] for one in cleared], vault, on=now.date())


def _outcome(
    session: Session, mail: FencedMail, attempt: DeliveryAttempt, now: datetime, vault: Vault, before: str
) -> tuple[MailState, dict[str, Any]]:
    """What becomes of the mail, and what is to be written of it."""
    age = now - mail.created_at
    if attempt.outcome is DeliveryOutcome.RETRY and age >= GIVE_UP_AFTER:
        age -= time_paused(session, mail.created_at, now)
    ambiguous = mail.ambiguous + (attempt.outcome is DeliveryOutcome.AMBIGUOUS)
    # Where nothing was tried, no attempt is used up.
    attempts = mail.attempts - (attempt.outcome in {DeliveryOutcome.HELD, DeliveryOutcome.AWAY})
    jitter = random.random()  # noqa: S311  no secret
    following = after(attempt.outcome, attempts=attempts, ambiguous=ambiguous, age=age, jitter=jitter)
    if following.state is MailState.UNKNOWN:
        log.error("mail %s: nobody knows whether it went out; it is not sent again", mail.id)
    is_gone = following.state in _GONE
    # Nothing waits for the minute any more, nor for its turn among the mails of its domain.
    over: dict[str, Any] = {
        "recipient_sealed": None,
        "context_sealed": None,
        "created_at": hour_of(mail.created_at),
        "domain_digest": vault.finished_mail_digest(mail.domain, mail.use),
    }
    return following.state, (over if is_gone else {}) | {
        "mail": mail.id,
        "held": mail.fence,
        "before": before,
        "state": following.state.value,
        # Put off by a held queue it keeps its place, and its age.
        "due_at": _due_at(mail, attempt, now + following.wait, is_gone=is_gone),
        "fence": mail.fence,
        "lease_until": None,
        "attempts": attempts,
        "ambiguous": ambiguous,
        "phase": attempt.phase,
        "code": attempt.code,
        "detail": attempt.detail or None,
        "sent_at": hour_of(now) if following.state is MailState.SENT else None,
    }


def _is_open(error: TocsinError) -> bool:
    """Return whether anybody may read why the mail is not sent."""
    return isinstance(error, IneligibleError) and error.is_open


def _needless(session: Session, standing: FencedMail, now: datetime, vault: Vault, before: str) -> dict[str, Any]:
    """What is written of an answer that its mailbox needs no more: the same as if it had left.

    Otherwise whoever had sent the form would read in the row whether its address has signed.
    """
    left = replace(standing, attempts=standing.attempts + 1)
    _, outcome = _outcome(session, left, DeliveryAttempt(DeliveryOutcome.SENT, "dot"), now, vault, before)
    return outcome | _named(standing, standing.subject, vault) | _answered(standing.created_at)


def _as_any(standing: FencedMail, state: MailState, outcome: dict[str, Any], vault: Vault) -> dict[str, Any]:
    """Return what is written once a mail ended of which nobody is to read whether it left: the same, whatever the end.

    That such a mail was given up is told in the log alone: who asked may ask again.
    """
    if not standing.is_alike or state not in _GONE | {MailState.DEAD}:
        return outcome
    if state is not MailState.SENT:
        log.error("mail %s, which somebody asked for, is given up: %s", standing.id, outcome["detail"])
    ended = {"recipient_sealed": None, "state": MailState.SENT.value, "ambiguous": 0}
    over = {
        "created_at": hour_of(standing.created_at),
        "domain_digest": vault.finished_mail_digest(standing.domain, standing.use),
    }
    return outcome | ended | over | _named(standing, standing.subject, vault) | _answered(standing.created_at)


def _named(standing: FencedMail, subject: MailedPerson, vault: Vault) -> dict[str, Any]:
    """Which form an answer that is over was for: two mails to one mailbox have nothing in common from now on."""
    return {"sign_up_id": None, "context_sealed": sealed_subject(subject, standing.message_id, vault)}


def _answered(created_at: datetime) -> dict[str, Any]:
    """What is written of an answer that has left: the same for all.

    When it did, and how often it was tried or put off before, tells how much its mailbox had to do with us that day.
    """
    owed_at = hour_of(created_at)
    said: dict[str, Any] = dict.fromkeys(("phase", "code", "detail"))
    return {**said, "due_at": owed_at, "sent_at": owed_at, "fence": 1, "attempts": 1}


def _due_at(mail: FencedMail, attempt: DeliveryAttempt, following: datetime, *, is_gone: bool) -> datetime:
    if is_gone:
        return hour_of(following)
    return mail.due_at if attempt.outcome is DeliveryOutcome.HELD else following


def _postponed(mail: FencedMail, error: PostponedError, before: str) -> dict[str, Any]:
    """It waits as it was, until its mailbox may have more."""
    kept = {"mail": mail.id, "held": mail.fence, "before": before, "state": before, "fence": mail.fence}
    return kept | {"due_at": error.until, "lease_until": None, "phase": "before", "detail": str(error)}


def _write(session: Session, outcomes: list[dict[str, Any]]) -> None:
    """Several in one statement; those that are cleared apart, for they set more."""
    for _, rows in groupby(sorted(outcomes, key=lambda one: (sorted(one), one["mail"])), key=sorted):
        session.connection().execute(_OUTCOME, list(rows))


def _suppress(session: Session, recipient: str, vault: Vault, now: datetime) -> None:
    try:
        address = parse_address(recipient)
    except InputError:
        return
    suppress(session, address, SuppressionReason.REFUSED, now=now, vault=vault)
