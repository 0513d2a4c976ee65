"""A worker whose clock is wrong closes nothing, deletes nothing, and reports it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign import tasks
from campaign.models import Appeal, PeriodicRun, Signature
from campaign.platform import db
from campaign.platform.process.progress import WorkerProgress
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.delivery.worker import workers_view
from campaign.services.periodic.clock import MAX_DIFFERENCE, ClocksApartError, agreed_now
from campaign.services.periodic.worker_progress import store_progress
from tests.conftest import Clock, form


@pytest.mark.parametrize("wrong", [timedelta(days=100), timedelta(days=-100), timedelta(minutes=6)])
def test_a_worker_with_a_wrong_clock_closes_and_deletes_nothing(
    client: FlaskClient, appeal: AppealView, clock: Clock, sync_database_clock: Callable[[], None], wrong: timedelta
) -> None:
    assert client.post(f"/en/appeals/{appeal.slug}/sign", data=form()).status_code == 303
    waiting = select(func.count()).select_from(Signature)
    before = db.session.scalar(waiting)
    sync_database_clock()
    clock.now += wrong
    for job in (tasks.close_expired_appeals, tasks.purge_personal_data, tasks.send_reminders, tasks.roll_up_history):
        job()
    assert db.session.scalars(select(Appeal.state)).all() == ["open"]
    assert db.session.scalar(waiting) == before
    assert db.session.scalars(select(PeriodicRun.job)).all() == [], (
        "a worker with a right clock can still claim the run"
    )
    db.session.rollback()


def test_expired_data_is_deleted_by_the_databases_clock(
    app: Flask, appeal: AppealView, clock: Clock, sync_database_clock: Callable[[], None]
) -> None:
    clock.now += timedelta(days=100)
    sync_database_clock()
    clock.now += MAX_DIFFERENCE - timedelta(minutes=1)
    assert abs(agreed_now(clock.now) - (clock.now - MAX_DIFFERENCE + timedelta(minutes=1))) < timedelta(seconds=30)
    tasks.close_expired_appeals()
    assert db.session.scalars(select(Appeal.state)).all() == ["closed"]
    db.session.rollback()


def test_jobs_wait_an_hour_after_a_leap_of_the_clock(
    app: Flask, appeal: AppealView, clock: Clock, sync_database_clock: Callable[[], None]
) -> None:
    """Test a single machine, where the clocks of database and worker leap together."""
    sync_database_clock()
    tasks.close_expired_appeals()
    clock.now += timedelta(days=100)
    sync_database_clock()
    for minutes in (0, 30, 29):
        if tasks.progress.in_doubt_since is not None:
            tasks.progress.in_doubt_since -= minutes * 60
        tasks.close_expired_appeals()
        assert "the last job ran 2026-03-01" in (tasks.clock_trouble() or "")
        assert db.session.scalars(select(Appeal.state)).all() == ["open"]
        db.session.rollback()
    assert tasks.progress.in_doubt_since is not None
    tasks.progress.in_doubt_since -= 60
    tasks.close_expired_appeals()
    assert db.session.scalars(select(Appeal.state)).all() == ["closed"]
    db.session.rollback()
    assert tasks.clock_trouble() is None


def test_a_clock_corrected_within_the_hour_causes_no_loss(
    app: Flask, appeal: AppealView, clock: Clock, sync_database_clock: Callable[[], None]
) -> None:
    sync_database_clock()
    tasks.close_expired_appeals()
    clock.now += timedelta(days=100)
    sync_database_clock()
    assert tasks.clock_trouble() is not None
    clock.now -= timedelta(days=100) - timedelta(minutes=5)
    sync_database_clock()
    assert tasks.clock_trouble() is None
    tasks.close_expired_appeals()
    assert db.session.scalars(select(Appeal.state)).all() == ["open"]
    db.session.rollback()


def test_readiness_and_metrics_report_the_two_clocks(
    app: Flask, client: FlaskClient, clock: Clock, sync_database_clock: Callable[[], None]
) -> None:
    sync_database_clock()
    clock.now += timedelta(days=100)
    with pytest.raises(ClocksApartError, match="nothing is closed, reminded of or deleted") as refusal:
        agreed_now(clock.now)
    worker = WorkerProgress(("only",))
    worker.record_round("only")
    worker.set_trouble("clock", str(refusal.value))
    store_progress(worker)
    assert workers_view().reason == str(refusal.value)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "this machine's clock says 2026-06-09 12:00 UTC and the database's 2026-03-01" in answer.text
