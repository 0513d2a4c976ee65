"""The lifecycle of a mail: its states, its outcomes, and the times of retries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from campaign.domain.outbox.mail_kind import PERSONAL

# The kind of the alert that the mail server does not accept addresses with non-ASCII letters before the @.
SMTPUTF8_ALERT = "uncarried"


class MailState(StrEnum):
    """The states: queued → sending → sent, or retry, unknown, dead, suppressed.

    An answer to a form that is not needed any more is `sent` too, so that its row does not reveal the reason.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    UNKNOWN = "unknown"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


# Outcomes that may have been corrected: the server works again, the mailbox has room again, a wrong reason is gone.
_ENDED_UNSENT = frozenset({MailState.DEAD, MailState.UNKNOWN, MailState.SUPPRESSED})


def may_resend(kind: str, state: str) -> bool:
    """Return whether staff may have a signer's mail sent again.

    The text of a signer's own letter is deleted once its mail is given up, so that there is nothing left to send.
    """
    return state in _ENDED_UNSENT and (kind not in PERSONAL or state == MailState.DEAD)


class DeliveryOutcome(StrEnum):
    """The outcomes of an attempt."""

    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"
    # The connection broke after the final dot: it is unknown whether the message was sent.
    AMBIGUOUS = "ambiguous"
    # The mailbox does not exist, and will not: dead, and the address is suppressed.
    MAILBOX_REFUSED = "refused"
    # The server refuses this sender, whatever the recipient: the queue pauses, and the attempt does not count.
    SENDER_REFUSED = "held"
    # The server could not be reached: the attempt does not count, and the mail waits in the same way.
    UNREACHABLE = "away"
    # Not sent, and will not be: it is not needed any more, or the mailbox has reached its limit.
    SUPPRESSED = "suppressed"


class SuppressionReason(StrEnum):
    """The reasons for which an address gets no more mail."""

    # Its server answered during delivery that the mailbox does not exist.
    REFUSED = "refused"
    # A bounce came later: the mail could not be delivered, and will not be.
    BOUNCED = "bounced"
    COMPLAINED = "complained"


FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
LONGEST_RETRY_PERIOD = timedelta(hours=72)
# A message whose outcome is unknown is sent at most this many times.
MAX_AMBIGUOUS = 3

# A paused queue is probed with one mail after the first time, then after twice as long, up to the second time. A server
# that refuses is probed less often than one that is away, because a person has to correct the reason.
PROBE_DELAYS = {
    DeliveryOutcome.UNREACHABLE: (timedelta(seconds=5), timedelta(minutes=2)),
    DeliveryOutcome.SENDER_REFUSED: (timedelta(seconds=30), timedelta(minutes=15)),
}

BATCH = 100
# A batch, and the mail that is being sent, become free after these leases if their worker has died. The second is more
# than the longest wait for the reply to the final dot (10 minutes, RFC 5321, 4.5.3.2.6).
BATCH_LEASE = timedelta(minutes=2)
SENDING_LEASE = timedelta(minutes=12)


# The same form within this time gets no second mail.
REPEAT_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """The result of an attempt: the outcome, the phase of the dialogue, and the server's code and text if any."""

    outcome: DeliveryOutcome
    phase: str
    code: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The consequence of an outcome: the mail's new state, and the time until it is due again."""

    state: MailState
    wait: timedelta = timedelta(0)


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """Return the wait after so many attempts: one minute, doubling up to four hours.

    `jitter`, from 0 to 1, spreads the load: it makes the wait up to a quarter longer.
    """
    doublings = min(max(attempts, 1) - 1, 20)
    wait = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    return wait * (1 + jitter / 4)


def probe_delay(outcome: DeliveryOutcome, probes: int) -> timedelta:
    """Return the wait of a paused queue for its next probe, after so many that failed."""
    first, longest = PROBE_DELAYS[outcome]
    return min(first * (1 << min(probes, 20)), longest)


def next_attempt(
    outcome: DeliveryOutcome, *, attempts: int, ambiguous: int, age: timedelta, jitter: float
) -> NextAttempt:
    """Return the consequence of an attempt.

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
