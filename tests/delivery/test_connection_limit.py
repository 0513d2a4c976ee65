"""The number of a worker's connections, and the two meanings of a server that is away."""

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
AWAY = DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "connect", detail="ConnectionRefusedError")
BY_POLICY = DeliveryAttempt(DeliveryOutcome.SENDER_REFUSED, "rcpt", 550, "5.7.1 no")


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def limit(watch: Watch) -> ConnectionLimit:
    """Return the limit of a worker whose server has just taken a message over one of its 32 connections."""
    limit = ConnectionLimit(32, watch)
    limit.note_sent()
    return limit


def test_until_something_was_sent_there_is_one_connection(watch: Watch) -> None:
    limit = ConnectionLimit(32, watch)
    assert limit.current() == 1
    limit.note_sent()
    assert limit.current() == 32
    watch.now += 61
    assert limit.current() == 1


def test_the_first_that_finds_the_server_away_says_it_of_all(limit: ConnectionLimit, watch: Watch) -> None:
    watch.now += 1
    assert not limit.is_other_mail_accepted(AWAY, began_at=watch.now - 0.5, busy_connections=0)


def test_a_server_that_took_something_meanwhile_is_not_away(limit: ConnectionLimit, watch: Watch) -> None:
    watch.now += 1
    assert limit.is_other_mail_accepted(AWAY, began_at=watch.now - 2, busy_connections=0)


def test_a_server_that_takes_no_more_connections_is_asked_for_fewer(limit: ConnectionLimit, watch: Watch) -> None:
    watch.now += 1
    for busy in (12, 11, 10):
        assert limit.is_other_mail_accepted(AWAY, began_at=watch.now - 0.5, busy_connections=busy)
    assert limit.current() == 10
    watch.now += 3.5
    assert limit.current() == 13
    watch.now += 30
    assert limit.current() == 32


def test_a_refusal_by_policy_is_one_recipients_for_a_minute_after_others_were_sent(
    limit: ConnectionLimit, watch: Watch
) -> None:
    watch.now += 59
    assert limit.is_other_mail_accepted(BY_POLICY, began_at=watch.now, busy_connections=0)
    assert limit.current() == 32
    watch.now += 2
    assert not limit.is_other_mail_accepted(BY_POLICY, began_at=watch.now, busy_connections=5)


@pytest.mark.parametrize("answer", [AWAY, DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "connect", 421, "4.3.2 later")])
def test_a_server_that_goes_away_between_two_mails_is_asked_no_more(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, answer: DeliveryAttempt
) -> None:
    for number in range(9):
        client.post(URL, data=form(email=f"one{number}@d{number}.example"))
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.SENT, "dot", 250)] * 3 + [answer] * 50
    assert deliver()["sent"] == 3
    # The first found the server away; with the second the command tests whether it still is.
    assert len(postbox.messages) <= 3 + 2
    db.session.rollback()
    assert db.session.scalars(select(QueuePause.is_open)).all() == [True]
    assert set(db.session.scalars(select(Mail.attempts).where(Mail.state != "sent"))) == {0}
