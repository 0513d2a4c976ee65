"""The age of the oldest waiting mail: exact while the server is unreachable, unchanged by a recipient's refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.models import Mail
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.delivery.mail_status import outbox_status
from tests.conftest import Postbox, form

URL = "/en/appeals/ana-ruiz-vega/sign"
UNREACHABLE = DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "connect", detail="ConnectionRefusedError")
REFUSING = DeliveryAttempt(DeliveryOutcome.SENDER_REFUSED, "auth", 535, "5.7.8 no")


@pytest.fixture
def waiting_mail(client: FlaskClient, appeal: AppealView) -> None:
    """Make a mail that has been due for two hours."""
    client.post(URL, data=form())
    db.session.execute(update(Mail).values(created_at=datetime.now(UTC) - timedelta(hours=2)))
    db.session.commit()


def seconds_waiting() -> float:
    db.session.rollback()
    return outbox_status().oldest_due_seconds


@pytest.mark.parametrize("answer", [UNREACHABLE, REFUSING])
def test_a_failed_attempt_does_not_change_the_age(
    waiting_mail: None, deliver: Any, postbox: Postbox, answer: DeliveryAttempt
) -> None:
    for _ in range(3):
        tried = len(postbox.messages)
        postbox.answers = [answer] * 9
        deliver()
        assert len(postbox.messages) > tried
        assert seconds_waiting() == pytest.approx(7200, abs=60)
    postbox.answers = []
    # The mail is due again after at most six seconds.
    db.session.execute(update(Mail).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))
    db.session.commit()
    assert deliver() == {"sent": 1}
    assert seconds_waiting() == 0


def test_a_mail_in_a_paused_queue_keeps_its_place(waiting_mail: None, deliver: Any, postbox: Postbox) -> None:
    place = db.session.scalar(select(Mail.due_at))
    db.session.rollback()
    postbox.answers = [REFUSING] * 9
    assert deliver()["retry"] > 0
    assert db.session.scalar(select(Mail.due_at)) == place


def test_a_mail_refused_by_its_server_waits_from_its_next_attempt(
    waiting_mail: None, deliver: Any, postbox: Postbox
) -> None:
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.RETRY, "rcpt", 451)]
    deliver()
    assert seconds_waiting() == 0
    db.session.execute(update(Mail).values(due_at=datetime.now(UTC) - timedelta(minutes=3)))
    db.session.commit()
    assert seconds_waiting() == pytest.approx(180, abs=30)
    postbox.answers = [REFUSING] * 9
    deliver()
    assert seconds_waiting() == pytest.approx(180, abs=30)
