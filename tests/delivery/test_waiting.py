"""The waiting time of the oldest mail: right while the server is away, and not raised by a recipient's refusal."""

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
AWAY = DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "connect", detail="ConnectionRefusedError")
REFUSING = DeliveryAttempt(DeliveryOutcome.SENDER_REFUSED, "auth", 535, "5.7.8 no")


@pytest.fixture
def waiting(client: FlaskClient, appeal: AppealView) -> None:
    """Owe one mail since two hours."""
    client.post(URL, data=form())
    db.session.execute(update(Mail).values(created_at=datetime.now(UTC) - timedelta(hours=2)))
    db.session.commit()


def age() -> float:
    db.session.rollback()
    return outbox_status().oldest_due_seconds


@pytest.mark.parametrize("answer", [AWAY, REFUSING])
def test_each_try_in_vain_leaves_the_age_as_it_is(
    waiting: None, deliver: Any, postbox: Postbox, answer: DeliveryAttempt
) -> None:
    for _ in range(3):
        tried = len(postbox.messages)
        postbox.answers = [answer] * 9
        deliver()
        assert len(postbox.messages) > tried
        assert age() == pytest.approx(7200, abs=60)
    postbox.answers = []
    # Six seconds later at most it is due again.
    db.session.execute(update(Mail).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))
    db.session.commit()
    assert deliver() == {"sent": 1}
    assert age() == 0


def test_a_held_mail_keeps_its_place(waiting: None, deliver: Any, postbox: Postbox) -> None:
    place = db.session.scalar(select(Mail.due_at))
    db.session.rollback()
    postbox.answers = [REFUSING] * 9
    assert deliver()["retry"] > 0
    assert db.session.scalar(select(Mail.due_at)) == place


def test_what_its_own_server_refused_waits_since_its_next_try_is_due(
    waiting: None, deliver: Any, postbox: Postbox
) -> None:
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.RETRY, "rcpt", 451)]
    deliver()
    assert age() == 0
    db.session.execute(update(Mail).values(due_at=datetime.now(UTC) - timedelta(minutes=3)))
    db.session.commit()
    assert age() == pytest.approx(180, abs=30)
    postbox.answers = [REFUSING] * 9
    deliver()
    assert age() == pytest.approx(180, abs=30)
