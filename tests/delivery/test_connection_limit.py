"""The number of a worker's connections, and the outcomes of a server that cannot be reached."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.models import Mail, QueuePause
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.services.delivery.connection_limit import ConnectionLimit
from tests.conftest import Postbox, form

URL = "/en/appeals/ana-ruiz-vega/sign"
UNREACHABLE = DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "connect", detail="ConnectionRefusedError")
BY_POLICY = DeliveryAttempt(DeliveryOutcome.SENDER_REFUSED, "rcpt", 550, "5.7.1 no")


class SettableClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settable_clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def limit(settable_clock: SettableClock) -> ConnectionLimit:
    """Return the limit of a worker whose server has just accepted a message over one of 32 connections."""
    limit = ConnectionLimit(32, settable_clock)
    limit.note_sent()
    return limit


def test_there_is_one_connection_until_a_message_was_sent(settable_clock: SettableClock) -> None:
    limit = ConnectionLimit(32, settable_clock)
    assert limit.current() == 1
    limit.note_sent()
    assert limit.current() == 32
    settable_clock.now += 61
    assert limit.current() == 1


def test_the_first_failed_connection_marks_the_server_as_unreachable(
    limit: ConnectionLimit, settable_clock: SettableClock
) -> None:
    settable_clock.now += 1
    assert not limit.is_other_mail_accepted(UNREACHABLE, began_at=settable_clock.now - 0.5, busy_connections=0)


def test_a_server_that_accepted_a_message_meanwhile_is_reachable(
    limit: ConnectionLimit, settable_clock: SettableClock
) -> None:
    settable_clock.now += 1
    assert limit.is_other_mail_accepted(UNREACHABLE, began_at=settable_clock.now - 2, busy_connections=0)


def test_a_server_that_refuses_connections_gets_fewer(limit: ConnectionLimit, settable_clock: SettableClock) -> None:
    settable_clock.now += 1
    for busy in (12, 11, 10):
        assert limit.is_other_mail_accepted(UNREACHABLE, began_at=settable_clock.now - 0.5, busy_connections=busy)
    assert limit.current() == 10
    settable_clock.now += 3.5
    assert limit.current() == 13
    settable_clock.now += 30
    assert limit.current() == 32


def test_a_policy_refusal_concerns_one_recipient_for_a_minute_after_other_mail_was_sent(
    limit: ConnectionLimit, settable_clock: SettableClock
) -> None:
    settable_clock.now += 59
    assert limit.is_other_mail_accepted(BY_POLICY, began_at=settable_clock.now, busy_connections=0)
    assert limit.current() == 32
    settable_clock.now += 2
    assert not limit.is_other_mail_accepted(BY_POLICY, began_at=settable_clock.now, busy_connections=5)


@pytest.mark.parametrize(
    "answer", [UNREACHABLE, DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "connect", 421, "4.3.2 later")]
)
def test_a_server_that_becomes_unreachable_is_left_alone(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, answer: DeliveryAttempt
) -> None:
    for number in range(9):
        client.post(URL, data=form(email=f"one{number}@d{number}.example"))
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.SENT, "dot", 250)] * 3 + [answer] * 50
    assert deliver()["sent"] == 3
    # The first attempt found the server unreachable; the second tests whether it still is.
    assert len(postbox.messages) <= 3 + 2
    db.session.rollback()
    assert db.session.scalars(select(QueuePause.is_open)).all() == [True]
    assert set(db.session.scalars(select(Mail.attempts).where(Mail.state != "sent"))) == {0}
