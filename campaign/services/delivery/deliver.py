"""The delivery of single mails in the database: the start of sending under the mail's fence, and its stored outcome.

The guarantee: a committed mail is sent at least once, or ends in a state that gives the reason why not. It is sent
twice only where the connection or the worker was lost after the final dot. The dispatcher decides which mail is next,
and over which connection.
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
from campaign.domain.outbox.mail_kind import ANSWER_KINDS, HIDDEN_OUTCOME_KINDS
from campaign.domain.outbox.mail_state import (
    CLAIM_SIZE,
    LONGEST_RETRY_PERIOD,
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
from campaign.services.abuse.alert import note_alert
from campaign.services.counting.tally import hour_of
from campaign.services.delivery.address_mail import AddressedMail, address_mail, find_signers, limited_recipients
from campaign.services.delivery.claim import ClaimedMail
from campaign.services.delivery.queue_pause import time_paused
from campaign.services.keys.row_key import erase_keys
from campaign.services.outbox.answer import AnsweredError, FormReplies, IneligibleError, PostponedError, note_mailed
from campaign.services.outbox.mailed_person import MailedPerson, readable_person, sealed_person
from campaign.services.outbox.suppression import suppress
from campaign.services.outbox.target_mailboxes import TargetMailboxes

log = logging.getLogger(__name__)

# Mails in these states have ended for good; a dead mail may be retried.
_ENDED = {MailState.SENT, MailState.UNKNOWN, MailState.SUPPRESSED}
_UPDATE_MAIL = update(Mail).execution_options(synchronize_session=False)
# The statement sets the columns for which the rows of parameters have values.
_STORE_OUTCOME = update(Mail).where(
    Mail.id == bindparam("mail"), Mail.fence == bindparam("expected_fence"), Mail.state == bindparam("before")
)
_MARK_SENDING = _UPDATE_MAIL.where(Mail.id.in_(bindparam("mails", expanding=True))).values(
    state=MailState.SENDING.value, attempts=Mail.attempts + 1, lease_until=bindparam("until")
)
_LOCK_MAILS = (
    select(Mail)
    .where(Mail.id.in_(bindparam("mails", expanding=True)))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_CLEARED_IDS = select(Mail.id).where(Mail.id.in_(bindparam("mails", expanding=True)), Mail.recipient_sealed.is_(None))
_STALE_MAILS = (
    select(Mail)
    .where(text("mail.state = 'sending'"))
    .order_by(Mail.lease_until)
    .limit(CLAIM_SIZE)
    .with_for_update(skip_locked=True)
)


@dataclass(frozen=True, slots=True)
class FencedMail:
    """A mail as it was when its sending began. Only a worker that has the row's current fence may change the row."""

    id: int
    fence: int
    message_id: str
    domain: bytes
    created_at: datetime
    due_at: datetime
    attempts: int
    ambiguous: int
    # The class of the mail (forms, signers or staff), for the domain digest of an ended mail.
    mail_class: str
    person: MailedPerson
    # Whether the row must not reveal if the mail was sent.
    hides_outcome: bool
    # The recipient of a mail to another person than a signer; its key is erased once the mail has ended.
    recipient_sealed: bytes | None

    @classmethod
    def of(cls, mail: Mail, person: MailedPerson) -> FencedMail:
        """Return the fenced mail of a row."""
        mail_class = "forms" if mail.kind in ANSWER_KINDS else "signers" if mail.signature_id is not None else "staff"
        numbers = mail.attempts, mail.ambiguous
        fixed = mail.message_id or "", mail.domain_digest, mail.created_at, mail.due_at
        hides_outcome = mail.kind in HIDDEN_OUTCOME_KINDS
        return cls(mail.id, mail.fence, *fixed, *numbers, mail_class, person, hides_outcome, mail.recipient_sealed)


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """A mail that is being sent. `fenced.attempts` includes the current attempt."""

    fenced: FencedMail
    mail: AddressedMail
    is_probe: bool = False


@dataclass(slots=True)
class BegunBatch:
    """The mails to be sent, the final states of others, and whether a sealed value could not be decrypted."""

    jobs: list[DeliveryJob] = field(default_factory=list)
    ended_states: list[MailState] = field(default_factory=list)
    has_undecryptable: bool = False


def begin_sending(
    session: Session,
    claimed_mails: list[ClaimedMail],
    *,
    target_mailboxes: TargetMailboxes,
    is_probe: bool = False,
    context: Context,
) -> BegunBatch:
    """Mark the mails as being sent, and store the outcome of those that must not be sent.

    If a worker is interrupted after that, it is unknown whether the mails were sent. So begin no more mails than can be
    sent at once.
    """
    vault, now = context.vault, context.now
    batch = BegunBatch()
    mails = {
        mail.id: mail
        for mail in session.scalars(_LOCK_MAILS, {"mails": [claimed_mail.id for claimed_mail in claimed_mails]})
    }
    persons = {mail.id: readable_person(mail, vault) for mail in mails.values()}
    signers_by_id = find_signers(session, persons.values(), vault)
    other_recipients = limited_recipients(((mail, persons[mail.id]) for mail in mails.values()), signers_by_id, vault)
    sign_up_ids = [person.sign_up_id for person in persons.values() if person.sign_up_id is not None]
    answers = FormReplies(session, sign_up_ids, other_recipients, vault, target_mailboxes, now)
    for claimed_mail in claimed_mails:
        mail = mails.get(claimed_mail.id)
        if mail is None or mail.fence != claimed_mail.fence or mail.state not in {MailState.QUEUED, MailState.RETRY}:
            continue  # another worker has claimed it
        person = persons[mail.id]
        fenced = FencedMail.of(mail, person)
        try:
            addressed = address_mail(session, mail, person, signers_by_id, answers, vault, now)
        except PostponedError as error:
            _store(session, [_postponed_outcome(fenced, error, mail.state)])
            continue
        except TocsinError as error:
            if isinstance(error, CipherError):
                log.exception("mail %s cannot be sent", mail.id)
                batch.has_undecryptable = True
            batch.ended_states += _end_unsent(session, mail, fenced, error, answers, context)
            continue
        batch.jobs.append(DeliveryJob(replace(fenced, attempts=fenced.attempts + 1), addressed, is_probe))
    _erase_recipient_keys(session, {mail.id: mail.recipient_sealed for mail in mails.values()}, vault, now)
    if batch.jobs:
        session.execute(_MARK_SENDING, {"mails": [job.fenced.id for job in batch.jobs], "until": now + SENDING_LEASE})
    return batch


def _end_unsent(
    session: Session, mail: Mail, fenced: FencedMail, error: TocsinError, answers: FormReplies, context: Context
) -> list[MailState]:
    """Store the outcome of a mail that must not be sent; return its state unless its row must not reveal it."""
    vault, now = context.vault, context.now
    sign_up_id, is_ineligible = fenced.person.sign_up_id, isinstance(error, IneligibleError)
    if fenced.hides_outcome or (sign_up_id is not None and is_ineligible and not _is_public(error)):
        if sign_up_id is not None and not isinstance(error, AnsweredError):
            note_mailed(session, answers.own_sign_up(sign_up_id), mail.created_at)
        _store(session, [_unneeded_answer(session, fenced, now, vault, mail.state)])
        return []
    outcome = DeliveryOutcome.SUPPRESSED if is_ineligible else DeliveryOutcome.DEAD
    attempt = DeliveryAttempt(outcome, "before", detail=str(error))
    state, values = _next_state(session, fenced, attempt, now, vault, mail.state)
    _store(session, [values])
    return [state]


def store_outcomes(
    session: Session, results: Iterable[tuple[DeliveryJob, DeliveryAttempt]], *, context: Context
) -> list[MailState]:
    """Store the outcomes of the mails, and return their states. The fence stops a worker that has lost its lease."""
    vault, now = context.vault, context.now
    states, outcomes, recipients = [], [], {}
    for job, attempt in results:
        recipients[job.fenced.id] = job.fenced.recipient_sealed
        if attempt.outcome is DeliveryOutcome.MAILBOX_REFUSED:
            _suppress(session, job.mail.recipient, vault, now)
        if attempt.detail == SMTPUTF8_MISSING:
            note_alert(session, SMTPUTF8_ALERT, now=now)
        state, outcome = _next_state(session, job.fenced, attempt, now, vault, MailState.SENDING)
        states.append(state)
        if job.mail.sign_ups and state in _ENDED:
            outcome |= _person_columns(job.fenced, MailedPerson(job.mail.sign_ups[0].sign_up_id), vault)
            outcome |= _sent_columns(job.mail.created_at) if state is MailState.SENT else {}
        outcomes.append(_uniform_outcome(job.fenced, state, outcome, vault))
        if state is MailState.SENT:
            note_mailed(session, job.mail.sign_ups, job.mail.created_at)
    _store(session, outcomes)
    _erase_recipient_keys(session, recipients, vault, now)
    return states


def renew_sending(session: Session, jobs: list[DeliveryJob], now: datetime) -> None:
    """Extend the leases of mails that are being sent, because the server may be slow."""
    for job in jobs:
        is_claimed = Mail.id == job.fenced.id, Mail.fence == job.fenced.fence, Mail.state == MailState.SENDING
        session.execute(_UPDATE_MAIL.where(*is_claimed).values(lease_until=now + SENDING_LEASE))


def recover_stale(session: Session, *, context: Context) -> list[MailState]:
    """Take over the mails that stopped workers may or may not have sent; return their new states."""
    vault, now = context.vault, context.now
    states, outcomes, recipients = [], [], {}
    for mail in session.scalars(_STALE_MAILS.where(Mail.lease_until < now)).all():
        recipients[mail.id] = mail.recipient_sealed
        attempt = DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "worker", detail="the worker broke off")
        fenced = FencedMail.of(mail, readable_person(mail, vault))
        state, outcome = _next_state(session, fenced, attempt, now, vault, MailState.SENDING)
        states.append(state)
        # With a new fence, the former worker can no longer change the mail.
        outcomes.append(_uniform_outcome(fenced, state, outcome, vault) | {"fence": mail.fence + 1})
    _store(session, outcomes)
    _erase_recipient_keys(session, recipients, vault, now)
    return states


def _erase_recipient_keys(
    session: Session, recipients: Mapping[int, bytes | None], vault: Vault, now: datetime
) -> None:
    """Erase the recipients' keys of ended mails. A mail to a signer has no key of its own.

    Only rows that were cleared have ended: a worker that has lost its lease clears none.
    """
    sealed = {mail_id: recipient for mail_id, recipient in recipients.items() if recipient is not None}
    if sealed:
        cleared_ids = session.scalars(_CLEARED_IDS, {"mails": sorted(sealed)}).all()
        erase_keys(session, [sealed[mail_id] for mail_id in cleared_ids], vault, on=now.date())


def _next_state(
    session: Session, mail: FencedMail, attempt: DeliveryAttempt, now: datetime, vault: Vault, state_before: str
) -> tuple[MailState, dict[str, Any]]:
    """Return the mail's next state, and the column values to store."""
    age = now - mail.created_at
    if attempt.outcome is DeliveryOutcome.RETRY and age >= LONGEST_RETRY_PERIOD:
        age -= time_paused(session, mail.created_at, now)
    ambiguous = mail.ambiguous + (attempt.outcome is DeliveryOutcome.AMBIGUOUS)
    # A paused queue or an unreachable server does not count as an attempt.
    attempts = mail.attempts - (attempt.outcome in {DeliveryOutcome.SENDER_REFUSED, DeliveryOutcome.UNREACHABLE})
    jitter = random.random()  # noqa: S311  no secret
    next_step = next_attempt(attempt.outcome, attempts=attempts, ambiguous=ambiguous, age=age, jitter=jitter)
    if next_step.state is MailState.UNKNOWN:
        log.error("mail %s: it is unknown whether it was sent; it is not sent again", mail.id)
    has_ended = next_step.state in _ENDED
    # An ended mail needs neither the exact time nor the domain, by which waiting mails are ordered.
    cleared_columns: dict[str, Any] = {
        "recipient_sealed": None,
        "context_sealed": None,
        "created_at": hour_of(mail.created_at),
        "domain_digest": vault.finished_mail_digest(mail.domain, mail.mail_class),
    }
    return next_step.state, (cleared_columns if has_ended else {}) | {
        "mail": mail.id,
        "expected_fence": mail.fence,
        "before": state_before,
        "state": next_step.state.value,
        # A mail that waits for a paused queue stays due at the same time.
        "due_at": _due_at(mail, attempt, now + next_step.wait, has_ended=has_ended),
        "fence": mail.fence,
        "lease_until": None,
        "attempts": attempts,
        "ambiguous": ambiguous,
        "phase": attempt.phase,
        "code": attempt.code,
        "detail": attempt.detail or None,
        "sent_at": hour_of(now) if next_step.state is MailState.SENT else None,
    }


def _is_public(error: TocsinError) -> bool:
    """Return whether the reason why the mail is not sent may be public."""
    return isinstance(error, IneligibleError) and error.is_public


def _unneeded_answer(
    session: Session, fenced: FencedMail, now: datetime, vault: Vault, state_before: str
) -> dict[str, Any]:
    """Return the values of an answer that its mailbox no longer needs. They are the same as those of a sent one.

    Otherwise the row would reveal whether the address has signed.
    """
    as_sent = replace(fenced, attempts=fenced.attempts + 1)
    _, outcome = _next_state(session, as_sent, DeliveryAttempt(DeliveryOutcome.SENT, "dot"), now, vault, state_before)
    return outcome | _person_columns(fenced, fenced.person, vault) | _sent_columns(fenced.created_at)


def _uniform_outcome(fenced: FencedMail, state: MailState, outcome: dict[str, Any], vault: Vault) -> dict[str, Any]:
    """Return the columns of the outcome; the same for all ended mails whose rows must not reveal their outcome.

    Only the log says that such a mail was given up. The person who requested it may request it again.
    """
    if not fenced.hides_outcome or state not in _ENDED | {MailState.DEAD}:
        return outcome
    if state is not MailState.SENT:
        log.error("mail %s, which a person requested, is given up: %s", fenced.id, outcome["detail"])
    ended = {"recipient_sealed": None, "state": MailState.SENT.value, "ambiguous": 0}
    times = {
        "created_at": hour_of(fenced.created_at),
        "domain_digest": vault.finished_mail_digest(fenced.domain, fenced.mail_class),
    }
    return outcome | ended | times | _person_columns(fenced, fenced.person, vault) | _sent_columns(fenced.created_at)


def _person_columns(fenced: FencedMail, person: MailedPerson, vault: Vault) -> dict[str, Any]:
    """Return the columns that seal the person of an ended answer and clear the id of the form.

    Each sealed value differs, so two mails to one mailbox share no value.
    """
    return {"sign_up_id": None, "context_sealed": sealed_person(person, fenced.message_id, vault)}


def _sent_columns(created_at: datetime) -> dict[str, Any]:
    """Return the columns of a sent answer, which are the same for all answers.

    The time of sending, and the number of attempts and delays, would reveal how much mail the mailbox got that day.
    """
    enqueued_at = hour_of(created_at)
    no_reply: dict[str, Any] = dict.fromkeys(("phase", "code", "detail"))
    return {**no_reply, "due_at": enqueued_at, "sent_at": enqueued_at, "fence": 1, "attempts": 1}


def _due_at(mail: FencedMail, attempt: DeliveryAttempt, next_attempt_at: datetime, *, has_ended: bool) -> datetime:
    if has_ended:
        return hour_of(next_attempt_at)
    return mail.due_at if attempt.outcome is DeliveryOutcome.SENDER_REFUSED else next_attempt_at


def _postponed_outcome(mail: FencedMail, error: PostponedError, state_before: str) -> dict[str, Any]:
    """Return the values of a mail that is postponed until its mailbox may get more mail, and otherwise unchanged."""
    unchanged = {
        "mail": mail.id,
        "expected_fence": mail.fence,
        "before": state_before,
        "state": state_before,
        "fence": mail.fence,
    }
    return unchanged | {"due_at": error.until, "lease_until": None, "phase": "before", "detail": str(error)}


def _store(session: Session, outcomes: list[dict[str, Any]]) -> None:
    """Store the outcomes: one statement for all that set the same columns."""
    for _, rows in groupby(sorted(outcomes, key=lambda row: (sorted(row), row["mail"])), key=sorted):
        session.connection().execute(_STORE_OUTCOME, list(rows))


def _suppress(session: Session, recipient: str, vault: Vault, now: datetime) -> None:
    """Suppress the recipient's address, because its server says that the mailbox does not exist."""
    try:
        address = parse_address(recipient)
    except InputError:
        return
    suppress(session, address, SuppressionReason.REFUSED, now=now, vault=vault)
