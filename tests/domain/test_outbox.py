"""When a mail is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaign.domain.outbox import MailState, Outcome, after, retry_delay

HOUR = timedelta(hours=1)


def test_retries_double_from_a_minute_to_four_hours() -> None:
    assert [retry_delay(number, 0) for number in (1, 2, 3, 9, 50)] == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
        4 * HOUR,
        4 * HOUR,
    ]
    assert retry_delay(1, 1) == timedelta(seconds=75)


@pytest.mark.parametrize(
    ("outcome", "ambiguous", "age", "state"),
    [
        (Outcome.SENT, 0, HOUR, MailState.SENT),
        (Outcome.DEAD, 0, HOUR, MailState.DEAD),
        (Outcome.RETRY, 0, 71 * HOUR, MailState.RETRY),
        (Outcome.RETRY, 0, 72 * HOUR, MailState.DEAD),
        (Outcome.AMBIGUOUS, 2, HOUR, MailState.RETRY),
        (Outcome.AMBIGUOUS, 3, HOUR, MailState.UNKNOWN),
        (Outcome.SUPPRESSED, 0, HOUR, MailState.SUPPRESSED),
    ],
)
def test_an_outcome_decides_what_comes_next(outcome: Outcome, ambiguous: int, age: timedelta, state: MailState) -> None:
    assert after(outcome, attempts=1, ambiguous=ambiguous, age=age, jitter=0).state is state
