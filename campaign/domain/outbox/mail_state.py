"""The life of a mail that we owe somebody: its states, when it is tried again, and what an answer means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from campaign.domain.outbox.mail_kind import PERSONAL

# The alarm that the mail server cannot carry addresses with letters beyond ASCII before the @.
UNCARRIED = "uncarried"


class MailState(StrEnum):
    """queued → sending → sent, or retry, unknown, dead, suppressed.

    What answers a form and is needed no more is `sent` too: its row tells nobody why.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    UNKNOWN = "unknown"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


# What became of them may be mended: the server's fault is over, the mailbox has room again, a wrong reason is gone.
_ENDED_UNSENT = frozenset({MailState.DEAD, MailState.UNKNOWN, MailState.SUPPRESSED})


def may_resend(kind: str, state: str) -> bool:
    """Return whether staff may have a signer's mail tried again.

    The words of a signer's own letter are forgotten once its mail is given up, so that nothing is left to send.
    """
    return state in _ENDED_UNSENT and (kind not in PERSONAL or state == MailState.DEAD)


class DeliveryOutcome(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"
    # The connection broke behind the final dot: nobody knows whether the message went out.
    AMBIGUOUS = "ambiguous"
    # The recipient's server knows no such mailbox, and never will: dead, and the address is suppressed.
    REFUSED = "refused"
    # The server refuses us, whoever the recipient is: the queue is held, and the mail waits without an attempt used up.
    HELD = "held"
    # The server could not be reached, or not now: nothing was tried, the mail waits likewise.
    AWAY = "away"
    # Not sent, and never will be: it is no longer wanted, or the mailbox has had enough.
    SUPPRESSED = "suppressed"


class SuppressionReason(StrEnum):
    """Why an address gets no more mail."""

    # Its server said while we were delivering that there is no such mailbox.
    REFUSED = "refused"
    # A notice came back later that it could not be delivered, and never will be.
    BOUNCED = "bounced"
    COMPLAINED = "complained"


FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(hours=72)
# The same message goes out at most so often when its fate is unknown.
MOST_AMBIGUOUS = 3

# A held queue is tried again with one mail after so long, doubling: first when the server was away, then when it
# refused us, which somebody has to mend.
PROBES = {
    DeliveryOutcome.AWAY: (timedelta(seconds=5), timedelta(minutes=2)),
    DeliveryOutcome.HELD: (timedelta(seconds=30), timedelta(minutes=15)),
}

BATCH = 100
# A worker that dies gives its batch back after the one, and the mail it was just sending after the other: longer than
# the longest wait for the answer to the final dot (10 minutes, RFC 5321, 4.5.3.2.6).
BATCH_LEASE = timedelta(minutes=2)
SENDING_LEASE = timedelta(minutes=12)


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """At most so many mails a day go to one mailbox because somebody typed its address, over all appeals.

    `strangers` while it has proven nothing, `proven` within a day of its confirming something, and `asked` for links
    that the page for new links was asked for.
    """

    strangers: int = 3
    proven: int = 50
    asked: int = 3


DAILY = DailyLimits()
# The same form again so soon is answered by the mail that has left already.
JUST_MAILED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt's end: the outcome, where in the dialogue it came, and the server's code and words if any."""

    outcome: DeliveryOutcome
    phase: str
    code: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """What an outcome makes of a mail: its new state, and how long until it is due again."""

    state: MailState
    wait: timedelta = timedelta(0)


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """How long to wait after so many attempts: one minute, doubling to four hours.

    `jitter` from 0 to 1 spreads the load: up to a quarter longer.
    """
    doublings = min(max(attempts, 1) - 1, 20)
    wait = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    return wait * (1 + jitter / 4)


def probe_delay(outcome: DeliveryOutcome, probes: int) -> timedelta:
    """How long a held queue waits for its next probe, after so many in vain."""
    first, longest = PROBES[outcome]
    return min(first * (1 << min(probes, 20)), longest)


def after(outcome: DeliveryOutcome, *, attempts: int, ambiguous: int, age: timedelta, jitter: float) -> NextAttempt:
    """What comes after an attempt; `attempts` and `ambiguous` include it.

    `age` is since the mail was written, without the time in which the queue was held.
    """
    if outcome is DeliveryOutcome.RETRY:
        if age >= GIVE_UP_AFTER:
            return NextAttempt(MailState.DEAD)
        return NextAttempt(MailState.RETRY, retry_delay(attempts, jitter))
    if outcome is DeliveryOutcome.AMBIGUOUS:
        if ambiguous >= MOST_AMBIGUOUS:
            return NextAttempt(MailState.UNKNOWN)
        return NextAttempt(MailState.RETRY, retry_delay(attempts, jitter))
    if outcome is DeliveryOutcome.HELD:
        return NextAttempt(MailState.RETRY)  # due at once: the hold is what it waits for
    if outcome is DeliveryOutcome.AWAY:
        return NextAttempt(MailState.RETRY, PROBES[outcome][0])
    if outcome is DeliveryOutcome.REFUSED:
        return NextAttempt(MailState.DEAD)
    return NextAttempt(MailState(outcome.value))
