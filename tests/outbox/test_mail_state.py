"""The moments at which a mail is tried again, and at which it fails for good."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaign.domain.outbox.mail_state import (
    DeliveryOutcome,
    MailState,
    NextAttempt,
    next_attempt,
    probe_delay,
    retry_delay,
)

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def test_retries_double_from_a_minute_to_four_hours() -> None:
    waits = [retry_delay(number, 0) for number in (0, 1, 2, 3, 8, 9, 50, 5000)]
    assert waits == [MINUTE, MINUTE, 2 * MINUTE, 4 * MINUTE, 128 * MINUTE, 4 * HOUR, 4 * HOUR, 4 * HOUR]
    assert retry_delay(1, 1) == 75 * SECOND
    assert retry_delay(1, 0.5) == 67.5 * SECOND


def test_a_paused_queue_is_probed_at_growing_intervals() -> None:
    away = [probe_delay(DeliveryOutcome.UNREACHABLE, probes) for probes in (0, 1, 4, 5, 5000)]
    assert away == [5 * SECOND, 10 * SECOND, 80 * SECOND, 2 * MINUTE, 2 * MINUTE]
    held = [probe_delay(DeliveryOutcome.SENDER_REFUSED, probes) for probes in (0, 1, 4, 5, 5000)]
    assert held == [30 * SECOND, MINUTE, 8 * MINUTE, 15 * MINUTE, 15 * MINUTE]


@pytest.mark.parametrize(
    ("outcome", "ambiguous", "age", "next_"),
    [
        (DeliveryOutcome.SENT, 0, HOUR, NextAttempt(MailState.SENT)),
        (DeliveryOutcome.DEAD, 0, HOUR, NextAttempt(MailState.DEAD)),
        (DeliveryOutcome.MAILBOX_REFUSED, 0, HOUR, NextAttempt(MailState.DEAD)),
        (DeliveryOutcome.RETRY, 0, 71 * HOUR, NextAttempt(MailState.RETRY, 5 * MINUTE)),
        (DeliveryOutcome.RETRY, 0, 72 * HOUR, NextAttempt(MailState.DEAD)),
        (DeliveryOutcome.AMBIGUOUS, 2, HOUR, NextAttempt(MailState.RETRY, 5 * MINUTE)),
        (DeliveryOutcome.AMBIGUOUS, 3, HOUR, NextAttempt(MailState.UNKNOWN)),
        (DeliveryOutcome.SENDER_REFUSED, 0, 99 * HOUR, NextAttempt(MailState.RETRY)),
        (DeliveryOutcome.UNREACHABLE, 0, 99 * HOUR, NextAttempt(MailState.RETRY, 5 * SECOND)),
        (DeliveryOutcome.SUPPRESSED, 0, HOUR, NextAttempt(MailState.SUPPRESSED)),
    ],
)
def test_an_outcome_decides_what_comes_next(
    outcome: DeliveryOutcome, ambiguous: int, age: timedelta, next_: NextAttempt
) -> None:
    # The third attempt, with full jitter: at most four minutes, here a quarter of them.
    assert next_attempt(outcome, attempts=3, ambiguous=ambiguous, age=age, jitter=1) == next_
