"""When a mail is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaign.domain.outbox.mail_state import MailState, Next, Outcome, after, probe_delay, retry_delay

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def test_retries_double_from_a_minute_to_four_hours() -> None:
    waits = [retry_delay(number, 0) for number in (0, 1, 2, 3, 8, 9, 50, 5000)]
    assert waits == [MINUTE, MINUTE, 2 * MINUTE, 4 * MINUTE, 128 * MINUTE, 4 * HOUR, 4 * HOUR, 4 * HOUR]
    assert retry_delay(1, 1) == 75 * SECOND
    assert retry_delay(1, 0.5) == 67.5 * SECOND


def test_a_held_queue_is_tried_again_ever_more_rarely() -> None:
    away = [probe_delay(Outcome.AWAY, probes) for probes in (0, 1, 4, 5, 5000)]
    assert away == [5 * SECOND, 10 * SECOND, 80 * SECOND, 2 * MINUTE, 2 * MINUTE]
    held = [probe_delay(Outcome.HELD, probes) for probes in (0, 1, 4, 5, 5000)]
    assert held == [30 * SECOND, MINUTE, 8 * MINUTE, 15 * MINUTE, 15 * MINUTE]


@pytest.mark.parametrize(
    ("outcome", "ambiguous", "age", "next_"),
    [
        (Outcome.SENT, 0, HOUR, Next(MailState.SENT)),
        (Outcome.DEAD, 0, HOUR, Next(MailState.DEAD)),
        (Outcome.REFUSED, 0, HOUR, Next(MailState.DEAD)),
        (Outcome.RETRY, 0, 71 * HOUR, Next(MailState.RETRY, 5 * MINUTE)),
        (Outcome.RETRY, 0, 72 * HOUR, Next(MailState.DEAD)),
        (Outcome.AMBIGUOUS, 2, HOUR, Next(MailState.RETRY, 5 * MINUTE)),
        (Outcome.AMBIGUOUS, 3, HOUR, Next(MailState.UNKNOWN)),
        (Outcome.HELD, 0, 99 * HOUR, Next(MailState.RETRY)),
        (Outcome.AWAY, 0, 99 * HOUR, Next(MailState.RETRY, 5 * SECOND)),
        (Outcome.SUPPRESSED, 0, HOUR, Next(MailState.SUPPRESSED)),
    ],
)
def test_an_outcome_decides_what_comes_next(outcome: Outcome, ambiguous: int, age: timedelta, next_: Next) -> None:
    # The third attempt, with full jitter: four minutes and a quarter of them.
    assert after(outcome, attempts=3, ambiguous=ambiguous, age=age, jitter=1) == next_
