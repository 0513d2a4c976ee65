"""Delivery: recipients, frequency, and the consequence of each answer of the server."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.errors import DeadlockDetected
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from campaign.domain.delivery.smtp_reply import attempt_from_reply
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.models import Appeal, Mail, SignUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.delivery.mail_status import outbox_status
from campaign.services.delivery import dispatcher as dispatch
from tests.conftest import START, Clock, Postbox, confirm_newest, context, form, text_of

URL = "/en/appeals/ana-ruiz-vega/sign"


def states() -> dict[str, int]:
    db.session.rollback()
    return {state: number for state, number in outbox_status().by_state.items() if number}


def make_due() -> None:
    past = db.session.scalars(select(Mail.created_at).limit(1)).one()
    db.session.execute(update(Mail).values(due_at=past, lease_until=None))
    db.session.commit()


def run_until_idle(dispatcher: dispatch.Dispatcher) -> None:
    while dispatcher.run_round():
        pass


def test_a_temporary_refusal_is_retried_as_the_same_message(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, clock: Clock
) -> None:
    client.post(URL, data=form())
    # The age of a mail is computed by the database's clock.
    db.session.execute(update(Mail).values(created_at=datetime.now(UTC) - timedelta(minutes=1)))
    db.session.commit()
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.RETRY, "rcpt", 451)]
    assert deliver() == {"retry": 1}
    assert deliver() == {}
    make_due()
    assert deliver() == {"sent": 1}
    first, second = postbox.messages
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])
    assert states() == {"sent": 1}


def test_a_permanent_refusal_fails_with_its_reason(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "rcpt", 550, "no such user")]
    deliver()
    mail = db.session.scalars(select(Mail)).one()
    assert (mail.state, mail.phase, mail.code, mail.detail, mail.attempts) == ("dead", "rcpt", 550, "no such user", 1)


def test_a_reply_that_no_database_stores_stops_no_mail(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form(email="a@mail.example"))
    client.post(URL, data=form(email="b@mail.example"))
    words = b"5.5.0 no\x00 such\x1b[2J \xff user".decode("utf-8", "replace")
    postbox.answers = [attempt_from_reply("rcpt", 550, words)]
    assert deliver() == {"dead": 1, "sent": 1}
    dead = db.session.scalars(select(Mail.detail).where(Mail.state == "dead")).one()
    assert dead == "5.5.0 no such [2J \ufffd user"


def test_an_unknown_outcome_is_sent_three_times_and_then_reported(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "dot")] * 9
    for _ in range(5):
        deliver()
        if states() != {"unknown": 1}:
            make_due()
    assert len({str(message["Message-ID"]) for message in postbox.messages}) == 1
    assert len(postbox.messages) == 3
    assert states() == {"unknown": 1}


def test_a_mail_that_became_needless_is_not_sent(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    client.post(URL, data=form())
    postbox.answers = []
    deliver()
    client.post(postbox.link())
    client.post(URL, data=form(email="b@mail.example"))
    db.session.execute(update(Appeal).values(state="stopped"))
    db.session.commit()
    sent = len(postbox.messages)
    # One thank-you mail. The needless link mails have the state of sent ones.
    assert deliver() == {"suppressed": 1}
    assert len(postbox.messages) == sent
    states = db.session.scalars(select(Mail.state).where(Mail.kind == "confirmation").order_by(Mail.id)).all()
    assert states == ["sent", "sent", "sent"]


def test_a_correction_is_in_later_mails_of_the_same_batch(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_CACHE_SECONDS", 0.0)
    for number in range(3):
        client.post(URL, data=form(email=f"{number}@mail.example"))
        confirm_newest(START)
    keep, engine = postbox.send, db.engine

    def correct(*arguments: Any) -> DeliveryAttempt:
        with engine.begin() as connection:
            connection.execute(update(Appeal).values(slug="corrected"))
        return keep(*arguments)

    monkeypatch.setattr(postbox, "send", correct)
    deliver()
    assert [text_of(message).count("/appeals/corrected") for message in postbox.messages] == [0, 1, 1]


def test_a_worker_that_fails_while_sending_leaves_the_mail_in_doubt(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, clock: Clock
) -> None:
    client.post(URL, data=form())
    long_ago = clock.now - timedelta(days=365)
    db.session.execute(update(Mail).values(state="sending", fence=4, lease_until=long_ago))
    db.session.commit()
    assert deliver() == {}
    mail = db.session.scalars(select(Mail)).one()
    assert (mail.state, mail.ambiguous, mail.fence) == ("retry", 1, 5)


def test_claimed_mail_is_sent_without_waiting_for_its_lease_after_a_failure(
    client: FlaskClient, appeal: AppealView, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        client.post(URL, data=form(email=f"{number}@mail.example"))
    broken = OperationalError("begin", None, DeadlockDetected("deadlock detected"))
    dispatcher = dispatch.Dispatcher(runtime().settings, context().keys, 1)
    # The first failing transaction has mails that were claimed before it; the second claims mails itself.
    dispatcher.run_round()
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(dispatch, "begin_sending", Mock(side_effect=broken))
            with pytest.raises(OperationalError):
                run_until_idle(dispatcher)
    run_until_idle(dispatcher)
    dispatcher.stop()
    assert states() == {"sent": 5}
    assert len(postbox.messages) == 5


def test_a_wait_until_a_past_moment_ends_at_once(app: Flask, postbox: Postbox) -> None:
    """Simulate a machine so busy that the dispatcher's thread does not run for some milliseconds."""
    settings, keys = runtime().settings, context().keys

    def delay_and_look() -> None:
        for _ in range(1000):
            dispatch.Dispatcher(settings, keys, 1)._collect_results(1e-6)

    looking = threading.Thread(target=delay_and_look, daemon=True)
    looking.start()
    looking.join(30)
    assert not looking.is_alive()


def test_a_message_that_cannot_be_rendered_does_not_stop_the_others(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form(email="a@mail.example"))
    client.post(URL, data=form(email="b@mail.example"))
    first = db.session.scalars(select(Mail.id).order_by(Mail.id).limit(1)).one()
    bad = select(Mail.sign_up_id).where(Mail.id == first).scalar_subquery()
    db.session.execute(update(SignUp).where(SignUp.id == bad).values(text_version=99))
    db.session.commit()
    assert deliver() == {"dead": 1, "sent": 1}
    assert postbox.recipients == ["b@mail.example"]
