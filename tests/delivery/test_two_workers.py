"""Several workers with mail to one mailbox: each sees the mails begun by the others, and every wait ends."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from campaign.domain.staff.actor import OPERATOR
from campaign.models import Mail, SignUp
from campaign.platform import db
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.delivery.claim import claim
from campaign.services.delivery.deliver import begin_sending
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from tests.conftest import Clock, Postbox, context, form

# SQLite has one writer, so no two workers decide at the same time.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


class Worker:
    """A worker that claims and begins all that is due, and commits at a signal."""

    def __init__(self, app: Flask, clock: Clock, room: int = 50) -> None:
        self.begun, self.may_end, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.jobs = 0
        self._app, self._now, self._room = app, clock.now + timedelta(minutes=1), room
        threading.Thread(target=self._claim_and_begin, daemon=True).start()

    def _claim_and_begin(self) -> None:
        with self._app.app_context():
            app_runtime = runtime()
            with transaction() as session:
                taken = claim(session, self._now, after=b"", capacity=self._room, domain_limit=lambda _domain: 50).mails
                self.jobs = len(
                    begin_sending(
                        session,
                        taken,
                        target_mailboxes=TargetMailboxes(app_runtime.settings),
                        context=context(self._now),
                    ).jobs
                )
                self.begun.set()
                self.may_end.wait(10)
            db.session.remove()
        self.ended.set()


def test_workers_apply_the_limit_of_one_mailbox_one_after_the_other(
    app: Flask, client: FlaskClient, appeal: AppealView, clock: Clock
) -> None:
    for tag in range(4):
        client.post("/en/appeals/ana-ruiz-vega/sign", data=form(email=f"a.b+{tag}@mail.example"))
    first = min(db.session.scalars(select(Mail.id)))
    db.session.execute(
        update(Mail).where(Mail.id == first).values(state="suppressed")
    )  # as if the mail did not exist yet
    db.session.commit()
    worker = Worker(app, clock)
    assert worker.begun.wait(10)
    db.session.execute(update(Mail).where(Mail.id == first).values(state="queued"))
    db.session.commit()
    other = Worker(app, clock)
    other.may_end.set()
    assert not other.begun.wait(0.5)
    worker.may_end.set()
    assert worker.ended.wait(10)
    assert other.ended.wait(10)
    # Two mails for these spellings are allowed; the third is reserved for the address without a tag.
    assert (worker.jobs, other.jobs) == (2, 0)


def test_a_worker_that_waited_sees_the_mail_of_another_worker(
    app: Flask, client: FlaskClient, appeal: AppealView, clock: Clock
) -> None:
    for _ in range(4):
        client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    first_worker = Worker(app, clock, room=1)
    assert first_worker.begun.wait(10)
    others = [Worker(app, clock, room=1) for _ in range(3)]
    time.sleep(0.5)  # the workers have read their mails, and wait for the mailbox
    for worker in (first_worker, *others):
        worker.may_end.set()
    assert all(worker.ended.wait(10) for worker in (first_worker, *others))
    assert sum(worker.jobs for worker in (first_worker, *others)) == 1, (
        "one of the workers sends the mail for the newest form"
    )


def test_six_workers_send_one_mail_for_twenty_equal_forms(
    app: Flask, client: FlaskClient, appeal: AppealView, postbox: Postbox
) -> None:
    for _ in range(20):
        client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    together = threading.Barrier(6)

    def deliver_in_thread(_number: int) -> None:
        together.wait(10)
        with app.app_context():
            deliver_due(connections=2, context=runtime().context(OPERATOR))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(deliver_in_thread, range(6)))
    assert len(postbox.messages) == 1


def test_the_outcome_of_a_mail_is_stored_while_its_sign_up_is_locked(client: FlaskClient, appeal: AppealView) -> None:
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    with transaction() as session:
        session.scalars(select(SignUp).with_for_update(**NO_KEY_UPDATE)).one()
        with db.engine.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))
            # PostgreSQL checks a foreign key again if a row is changed twice in one transaction.
            for state in ("retry", "sent"):
                other.execute(update(Mail).values(state=state))
    assert db.session.scalars(select(Mail.state)).one() == "sent"
