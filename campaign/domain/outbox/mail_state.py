"""The lifecycle of a mail: its states, its outcomes, and the times of retries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from campaign.domain.outbox.mail_kind import PERSONAL_KINDS

# The kind of the alert that the mail server does not accept addresses with non-ASCII letters before the @.
SMTPUTF8_ALERT = "uncarried"


class MailState(StrEnum):
    """The states of a mail: queued → sending → sent, or retry, unknown, dead, suppressed.

    An answer to a form that is no longer needed also becomes `sent`, so that its row does not reveal the reason.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    UNKNOWN = "unknown"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


# States after which a new attempt may succeed: the server works again, or the mailbox is no longer full.
_ENDED_UNSENT = frozenset({MailState.DEAD, MailState.UNKNOWN, MailState.SUPPRESSED})


def may_resend(kind: str, state: str) -> bool:
    """Return whether staff may send a signer's mail again.

    A mail with the signer's own letter can be resent only in state dead. In the other states its text was deleted.
    """
    return state in _ENDED_UNSENT and (kind not in PERSONAL_KINDS or state == MailState.DEAD)


class DeliveryOutcome(StrEnum):
    """The outcomes of an attempt."""

    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"
    # The connection broke after the final dot, so it is unknown whether the message was sent.
    AMBIGUOUS = "ambiguous"
    # The mailbox does not exist: the mail is dead, and the address is suppressed.
    MAILBOX_REFUSED = "refused"
    # The server refuses this sender for any recipient: the queue pauses, and the attempt does not count.
    SENDER_REFUSED = "held"
    # The server could not be reached: the queue pauses, and the attempt does not count.
    UNREACHABLE = "away"
    # The mail was not sent and will not be: it is no longer needed, or the mailbox has reached its limit.
    SUPPRESSED = "suppressed"


class SuppressionReason(StrEnum):
    """The reasons for which an address gets no more mail."""

    # Its server answered during delivery that the mailbox does not exist.
    REFUSED = "refused"
    # A later bounce reported that mail to the address cannot be delivered.
    BOUNCED = "bounced"
    COMPLAINED = "complained"


FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
LONGEST_RETRY_PERIOD = timedelta(hours=72)
# A message whose outcome is unknown is sent at most this many times.
MAX_AMBIGUOUS = 3

# A paused queue is probed with one mail. Each outcome has the wait before the first probe, and the longest wait: after
# a failed probe the wait doubles. A server that refuses is probed less often than an unreachable one, because a person
# must correct the reason.
PROBE_DELAYS = {
    DeliveryOutcome.UNREACHABLE: (timedelta(seconds=5), timedelta(minutes=2)),
    DeliveryOutcome.SENDER_REFUSED: (timedelta(seconds=30), timedelta(minutes=15)),
}

CLAIM_SIZE = 100
# If a worker dies, its batch and the mail that it was sending can be claimed again after these leases. The second lease
# is longer than the longest wait for the reply to the final dot (10 minutes, RFC 5321, 4.5.3.2.6).
BATCH_LEASE = timedelta(minutes=2)
SENDING_LEASE = timedelta(minutes=12)


# A form that is sent again with equal contents within this time gets no second mail.
REPEAT_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """The result of an attempt: its outcome, the phase of the SMTP session, and the server's code and text if any."""

    outcome: DeliveryOutcome
    phase: str
    code: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The mail's new state after an attempt, and the time until it is due again."""

    state: MailState
    wait: timedelta = timedelta(0)


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """Return the wait after `attempts` attempts: one minute, doubling up to four hours.

    `jitter`, from 0 to 1, makes the wait up to a quarter longer, which spreads the load.
    """
    doublings = min(max(attempts, 1) - 1, 20)
    wait = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    return wait * (1 + jitter / 4)


def probe_delay(outcome: DeliveryOutcome, probes: int) -> timedelta:
    """Return the time until the next probe of a paused queue, after `probes` failed probes."""
    first, longest = PROBE_DELAYS[outcome]
    return min(first * (1 << min(probes, 20)), longest)


def next_attempt(
    outcome: DeliveryOutcome, *, attempts: int, ambiguous: int, age: timedelta, jitter: float
) -> NextAttempt:
    """Return the mail's new state after an attempt, and the wait until the next attempt.

    Args:
        outcome: The attempt's outcome.
        attempts: The number of attempts, this one included.
        ambiguous: The number of ambiguous outcomes, this one included.
        age: The time since the mail was created, without pauses of the queue.
        jitter: A random number from 0 to 1 (see `retry_delay`).
    """
    if outcome is DeliveryOutcome.RETRY:
        if age >= LONGEST_RETRY_PERIOD:
            return NextAttempt(MailState.DEAD)
        return NextAttempt(MailState.RETRY, retry_delay(attempts, jitter))
    if outcome is DeliveryOutcome.AMBIGUOUS:
        if ambiguous >= MAX_AMBIGUOUS:
            return NextAttempt(MailState.UNKNOWN)
        return NextAttempt(MailState.RETRY, retry_delay(attempts, jitter))
    if outcome is DeliveryOutcome.SENDER_REFUSED:
        return NextAttempt(MailState.RETRY)  # due at once, after the pause
    if outcome is DeliveryOutcome.UNREACHABLE:
        return NextAttempt(MailState.RETRY, PROBE_DELAYS[outcome][0])
    if outcome is DeliveryOutcome.MAILBOX_REFUSED:
        return NextAttempt(MailState.DEAD)
    return NextAttempt(MailState(outcome.value))
