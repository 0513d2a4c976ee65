"""Reminders to supporters who have not confirmed: one each, after two days, while they can still confirm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.models import Appeal, Mail, SignUp
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.services.announcements.confirmation_reminders import enqueue_confirmation_reminders
from campaign.services.delivery.bounce import process_bounce
from tests.conftest import START, Postbox, context, form
from tests.mail.dsn import samples

URL = "/en/appeals/ana-ruiz-vega/sign"
TWO_DAYS = timedelta(hours=48)


@pytest.fixture
def signed_up(client: FlaskClient, appeal: AppealView, deliver: Any) -> None:
    client.post(URL, data=form())
    deliver()


def send_reminders(after: timedelta = TWO_DAYS) -> int:
    return enqueue_confirmation_reminders(context=context(START + after))


def test_after_two_days_one_reminder_with_a_link_that_confirms(
    client: FlaskClient, signed_up: None, deliver: Any, postbox: Postbox
) -> None:
    assert send_reminders(TWO_DAYS - timedelta(seconds=1)) == 0
    assert [send_reminders(), send_reminders(), send_reminders(TWO_DAYS * 2)] == [1, 0, 0]
    assert deliver() == {"sent": 1}
    assert postbox.messages[-1]["Subject"].startswith("Your signature is still missing")
    assert client.post(postbox.link()).status_code == 303


def test_no_reminder_once_the_first_link_has_expired(signed_up: None) -> None:
    assert send_reminders(timedelta(days=7)) == 0


def test_no_reminder_after_confirming_or_after_the_end(client: FlaskClient, signed_up: None, postbox: Postbox) -> None:
    db.session.execute(update(Appeal).values(state="closed"))
    db.session.commit()
    assert send_reminders() == 0
    db.session.execute(update(Appeal).values(state="open"))
    db.session.commit()
    client.post(postbox.link())
    assert send_reminders() == 0


def test_no_reminder_if_the_first_mail_was_not_delivered(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    postbox.answers = [
        DeliveryAttempt(DeliveryOutcome.DEAD, "rcpt", 554),
        DeliveryAttempt(DeliveryOutcome.SENT, "dot", 250),
    ]
    client.post(URL, data=form())
    client.post(URL, data=form(email="other@mail.example"))
    deliver()
    bounced = db.session.execute(select(Mail.id, Mail.message_id).order_by(Mail.id.desc())).first()
    assert bounced is not None
    reports = samples(context().return_paths, lambda _: bounced.id, bounced.message_id or "")
    report = next(sample for sample in reports if sample.verdict == "hard")
    process_bounce(report.content, context=context())
    assert send_reminders() == 0


def test_no_reminder_after_the_sections_own_deadline(signed_up: None) -> None:
    late = update(SignUp).values(signed_at=START + timedelta(days=42))
    db.session.execute(late)
    db.session.commit()
    assert send_reminders(timedelta(days=44)) == 0  # 14 April; the deadline was the 12th


def test_a_reminder_is_not_sent_once_the_signer_has_confirmed(
    client: FlaskClient, signed_up: None, deliver: Any, postbox: Postbox
) -> None:
    send_reminders()
    client.post(postbox.link())
    before = len(postbox.messages)
    deliver()
    assert len(postbox.messages) == before + 1  # the thank-you mail
    assert "thank" in postbox.messages[-1]["Subject"].lower()


def test_a_reminder_counts_towards_the_mailbox_limit(
    client: FlaskClient, signed_up: None, deliver: Any, postbox: Postbox
) -> None:
    for number in range(2):
        client.post(URL, data=form(name=f"Jeanne {'AB'[number]}"))
        deliver()
    assert len(postbox.messages) == 3
    db.session.execute(update(Mail).values(created_at=START - TWO_DAYS))
    db.session.commit()
    assert send_reminders() == 3, "one for each form; reminders of replaced forms become needless"
    deliver()
    assert len(postbox.messages) == 3
    assert set(db.session.scalars(select(Mail.state))) == {"sent"}, "a needless reminder has the state of a sent one"
