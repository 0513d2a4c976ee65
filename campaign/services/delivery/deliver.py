"""The delivery of single mails in the database: the start of sending under the mail's fence, and its stored outcome.

The guarantee: a mail that was committed is sent at least once, or ends in a state that gives the reason why not; and it
is sent twice only where the connection or the worker broke after the final dot. It is for mail only: long jobs have
their own queue. The dispatcher decides which mail is next, and over which connection.
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
    SMTPUTF8_ALERT,
    DeliveryAttempt,
    DeliveryOutcome,
    MailState,
    SuppressionReason,
    next_attempt,
)
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.mail.smtp.client import SMTPUTF8_MISSING
from campaign.models import Mail
from campaign.platform.context import Context
from campaign.platform.database.any_of_ids import any_of_ids
from campaign.services.abuse.alert import note_alert
from campaign.services.counting.tally import hour_of
from campaign.services.delivery.address_mail import AddressedMail, address, limited, signers
from campaign.services.delivery.claim import ClaimedMail
from campaign.services.delivery.queue_pause import time_paused
from campaign.services.keys.row_key import erase_keys
from campaign.services.outbox.answer import AnsweredError, FormReplies, IneligibleError, PostponedError, note_mailed
from campaign.services.outbox.mailed_person import MailedPerson, readable_person, sealed_person
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.services.outbox.suppression import suppress

log = logging.getLogger(__name__)

# Mails in these states have ended for good; a dead mail may still be tried again.
_ENDED = {MailState.SENT, MailState.UNKNOWN, MailState.SUPPRESSED}
_BY_FENCE = update(Mail).execution_options(synchronize_session=False)
# The statement sets the columns that each row of values names.
_OUTCOME = update(Mail).where(
    Mail.id == bindparam("mail"), Mail.fence == bindparam("expected_fence"), Mail.state == bindparam("before")
)
_MARK_SENDING = _BY_FENCE.where(any_of_ids(Mail.id, "mails")).values(
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
    """A mail as it was when its sending began; only the worker whose fence is still the row's may change it."""

    id: int
    fence: int
    message_id: str
    domain: bytes
    created_at: datetime
    due_at: datetime
    attempts: int
    ambiguous: int
    # The class of the mail (forms, signers or staff), for the domain digest of an ended mail.
    use: str
    subject: MailedPerson
    # Whether the row must not tell if the mail left.
    is_alike: bool
    # The recipient of a mail to a person who is no signer; its key is erased once the mail has ended.
    recipient_sealed: bytes | None

    @classmethod
    def of(cls, mail: Mail, subject: MailedPerson) -> FencedMail:
        """Return the fenced mail of a row that is about the subject."""
        use = "forms" if mail.kind in ANSWERS else "signers" if mail.signature_id is not None else "staff"
        numbers = mail.attempts, mail.ambiguous
        fixed = mail.message_id or "", mail.domain_digest, mail.created_at, mail.due_at
        is_alike = mail.kind in ALIKE
        return cls(mail.id, mail.fence, *fixed, *numbers, use, subject, is_alike, mail.recipient_sealed)


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """A mail that is being sent; the attempts in `standing` include the one under way."""

    standing: FencedMail
    mail: AddressedMail
    is_probe: bool = False


@dataclass(slots=True)
class BegunBatch:
    """The mails to be handed over, the final states of others, and whether a sealed value could not be decrypted."""

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
    """Mark the mails as being sent, and store the outcome of those that are not sent after all.

    Once a mail is marked, an interruption leaves in doubt whether it was sent: begin no more mails than can be handed
    over at once.
    """
    vault, now = context.vault, context.now
    begun = BegunBatch()
    mails = {mail.id: mail for mail in session.scalars(_ROWS, {"mails": [claimed.id for claimed in taken]})}
    subjects = {mail.id: readable_person(mail, vault) for mail in mails.values()}
    known = signers(session, subjects.values(), vault)
    others = limited(((mail, subjects[mail.id]) for mail in mails.values()), known, vault)
    forms = [subject.sign_up_id for subject in subjects.values() if subject.sign_up_id is not None]
    answers = FormReplies(session, forms, others, vault, addressees, now)
    for claimed in taken:
        mail = mails.get(claimed.id)
        if mail is None or mail.fence != claimed.fence or mail.state not in {MailState.QUEUED, MailState.RETRY}:
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
            if standing.is_alike or (subject.sign_up_id is not None and is_ineligible and not _is_public(error)):
                if subject.sign_up_id is not None and not isinstance(error, AnsweredError):
                    note_mailed(session, answers.own_sign_up(subject.sign_up_id), mail.created_at)
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
        session.execute(_MARK_SENDING, {"mails": [job.standing.id for job in begun.jobs], "until": now + SENDING_LEASE})
    return begun


def conclude(
    session: Session, results: Iterable[tuple[DeliveryJob, DeliveryAttempt]], *, context: Context
) -> list[MailState]:
    """Store the outcomes of the mails and return their states; a worker that lost its lease changes nothing (fence)."""
    vault, now = context.vault, context.now
    states, outcomes, recipients = [], [], {}
    for job, attempt in results:
        recipients[job.standing.id] = job.standing.recipient_sealed
        if attempt.outcome is DeliveryOutcome.REFUSED:
            _suppress(session, job.mail.recipient, vault, now)
        if attempt.detail == SMTPUTF8_MISSING:
            note_alert(session, SMTPUTF8_ALERT, now=now)
        state, outcome = _outcome(session, job.standing, attempt, now, vault, MailState.SENDING)
        states.append(state)
        if job.mail.sign_ups and state in _ENDED:
            outcome |= _sealed_subject(job.standing, MailedPerson(job.mail.sign_ups[0].sign_up_id), vault)
            outcome |= _left_columns(job.mail.created_at) if state is MailState.SENT else {}
        outcomes.append(_as_any(job.standing, state, outcome, vault))
        if state is MailState.SENT:
            note_mailed(session, job.mail.sign_ups, job.mail.created_at)
    _write(session, outcomes)
    _forget_recipients(session, recipients, vault, now)
    return states


def renew_sending(session: Session, jobs: list[DeliveryJob], now: datetime) -> None:
    """Extend the leases of mails that are being sent, because a server may be slow."""
    for job in jobs:
        is_claimed = Mail.id == job.standing.id, Mail.fence == job.standing.fence, Mail.state == MailState.SENDING
        session.execute(_BY_FENCE.where(*is_claimed).values(lease_until=now + SENDING_LEASE))


def sweep(session: Session, *, context: Context) -> list[MailState]:
    """Take over the mails that broken workers were sending, which may have left or not; return their new states."""
    vault, now = context.vault, context.now
    states, outcomes, recipients = [], [], {}
    for mail in session.scalars(_STALE.where(Mail.lease_until < now)).all():
        recipients[mail.id] = mail.recipient_sealed
        attempt = DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "worker", detail="the worker broke off")
        standing = FencedMail.of(mail, readable_person(mail, vault))
        state, outcome = _outcome(session, standing, attempt, now, vault, MailState.SENDING)
        states.append(state)
        # With a new fence, the worker that had it cannot change it any more.
        outcomes.append(_as_any(standing, state, outcome, vault) | {"fence": mail.fence + 1})
    _write(session, outcomes)
    _forget_recipients(session, recipients, vault, now)
    return states


def _forget_recipients(session: Session, recipients: Mapping[int, bytes | None], vault: Vault, now: datetime) -> None:
    """Erase the keys of mails to staff that have ended; a mail to a signer has no key of its own.

    The cleared rows tell which mails these are: a worker that lost its lease has cleared none.
    """
    sealed = {mail_id: recipient for mail_id, recipient in recipients.items() if recipient is not None}
    if sealed:
        cleared = session.scalars(_CLEARED, {"mails": sorted(sealed)}).all()
        erase_keys(session, [sealed[mail_id] for mail_id in cleared], vault, on=now.date())


def _outcome(
    session: Session, mail: FencedMail, attempt: DeliveryAttempt, now: datetime, vault: Vault, before: str
) -> tuple[MailState, dict[str, Any]]:
    """Return the mail's next state, and the values to store."""
    age = now - mail.created_at
    if attempt.outcome is DeliveryOutcome.RETRY and age >= GIVE_UP_AFTER:
        age -= time_paused(session, mail.created_at, now)
    ambiguous = mail.ambiguous + (attempt.outcome is DeliveryOutcome.AMBIGUOUS)
    # A paused queue or a server that is away uses up no attempt.
    attempts = mail.attempts - (attempt.outcome in {DeliveryOutcome.HELD, DeliveryOutcome.AWAY})
    jitter = random.random()  # noqa: S311  no secret
    following = next_attempt(attempt.outcome, attempts=attempts, ambiguous=ambiguous, age=age, jitter=jitter)
    if following.state is MailState.UNKNOWN:
        log.error("mail %s: it is unknown whether it was sent; it is not sent again", mail.id)
    has_ended = following.state in _ENDED
    # An ended mail needs neither the minute nor the domain, by which waiting mails are ordered.
    cleared: dict[str, Any] = {
        "recipient_sealed": None,
        "context_sealed": None,
        "created_at": hour_of(mail.created_at),
        "domain_digest": vault.finished_mail_digest(mail.domain, mail.use),
    }
    return following.state, (cleared if has_ended else {}) | {
        "mail": mail.id,
        "expected_fence": mail.fence,
        "before": before,
        "state": following.state.value,
        # A mail that a paused queue puts off keeps its place, and its age.
        "due_at": _due_at(mail, attempt, now + following.wait, has_ended=has_ended),
        "fence": mail.fence,
        "lease_until": None,
        "attempts": attempts,
        "ambiguous": ambiguous,
        "phase": attempt.phase,
        "code": attempt.code,
        "detail": attempt.detail or None,
        "sent_at": hour_of(now) if following.state is MailState.SENT else None,
    }


def _is_public(error: TocsinError) -> bool:
    """Return whether the reason why the mail is not sent may be public."""
    return isinstance(error, IneligibleError) and error.is_public


def _needless(session: Session, standing: FencedMail, now: datetime, vault: Vault, before: str) -> dict[str, Any]:
    """Return the values of an answer that its mailbox no longer needs: the same as if it had left.

    Otherwise the row would tell the sender of the form whether its address has signed.
    """
    sent = replace(standing, attempts=standing.attempts + 1)
    _, outcome = _outcome(session, sent, DeliveryAttempt(DeliveryOutcome.SENT, "dot"), now, vault, before)
    return outcome | _sealed_subject(standing, standing.subject, vault) | _left_columns(standing.created_at)


def _as_any(standing: FencedMail, state: MailState, outcome: dict[str, Any], vault: Vault) -> dict[str, Any]:
    """Return the values of an ended mail. Where its row must not tell whether it left, they are the same for any end.

    Only the log tells that such a mail was given up: the person who requested it may request it again.
    """
    if not standing.is_alike or state not in _ENDED | {MailState.DEAD}:
        return outcome
    if state is not MailState.SENT:
        log.error("mail %s, which a person requested, is given up: %s", standing.id, outcome["detail"])
    ended = {"recipient_sealed": None, "state": MailState.SENT.value, "ambiguous": 0}
    times = {
        "created_at": hour_of(standing.created_at),
        "domain_digest": vault.finished_mail_digest(standing.domain, standing.use),
    }
    return (
        outcome
        | ended
        | times
        | _sealed_subject(standing, standing.subject, vault)
        | _left_columns(standing.created_at)
    )


def _sealed_subject(standing: FencedMail, subject: MailedPerson, vault: Vault) -> dict[str, Any]:
    """Return the columns that seal the subject of an ended answer: two mails to one mailbox then share no value."""
    return {"sign_up_id": None, "context_sealed": sealed_person(subject, standing.message_id, vault)}


def _left_columns(created_at: datetime) -> dict[str, Any]:
    """Return the columns of an answer that has left, which are the same for all.

    The time at which it left, and the number of attempts and delays, would tell how much mail its mailbox got that day.
    """
    owed_at = hour_of(created_at)
    no_answer: dict[str, Any] = dict.fromkeys(("phase", "code", "detail"))
    return {**no_answer, "due_at": owed_at, "sent_at": owed_at, "fence": 1, "attempts": 1}


def _due_at(mail: FencedMail, attempt: DeliveryAttempt, following: datetime, *, has_ended: bool) -> datetime:
    if has_ended:
        return hour_of(following)
    return mail.due_at if attempt.outcome is DeliveryOutcome.HELD else following


def _postponed(mail: FencedMail, error: PostponedError, before: str) -> dict[str, Any]:
    """Return the values of a mail that waits, otherwise unchanged, until its mailbox may get more mail."""
    unchanged = {
        "mail": mail.id,
        "expected_fence": mail.fence,
        "before": before,
        "state": before,
        "fence": mail.fence,
    }
    return unchanged | {"due_at": error.until, "lease_until": None, "phase": "before", "detail": str(error)}


def _write(session: Session, outcomes: list[dict[str, Any]]) -> None:
    """Store the outcomes, several in one statement; those of cleared mails, which set more columns, in another."""
    for _, rows in groupby(sorted(outcomes, key=lambda row: (sorted(row), row["mail"])), key=sorted):
        session.connection().execute(_OUTCOME, list(rows))


def _suppress(session: Session, recipient: str, vault: Vault, now: datetime) -> None:
    try:
        address = parse_address(recipient)
    except InputError:
        return
    suppress(session, address, SuppressionReason.REFUSED, now=now, vault=vault)
