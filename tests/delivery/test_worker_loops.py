"""The loops of a worker besides delivery: each continues if another one fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import psycopg
import pytest
from flask import Flask
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import func, select

from campaign import tasks, worker
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import LinkRequest, PeriodicRun
from campaign.platform import db, huey
from campaign.platform.process.log_throttle import LogThrottle
from campaign.platform.process.progress import WorkerProgress
from campaign.services.periodic.run_once import run_once
from campaign.services.signing.new_link import request_new_links
from tests.conftest import START, context

# The package has a command with the name of the module.
cli_worker = import_module("campaign.cli.worker")


def test_link_requests_are_answered_after_one_failed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, calls = threading.Event(), []

    def answer(**_given: object) -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("a request that nobody foresaw")
        stop.set()
        return False

    monkeypatch.setattr(worker, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(worker, "answer_link_requests", answer)
    worker._answer_requests(app, stop, heartbeat=lambda: None)
    assert len(calls) == 2


def test_all_link_requests_are_answered_batch_by_batch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(150):
        request_new_links(parse_address(f"{number}@mail.example"), context=context(actor=SUPPORTER))
    stop, waiting = threading.Event(), []

    def heartbeat() -> None:
        waiting.append(db.session.scalar(select(func.count()).select_from(LinkRequest)))
        db.session.remove()
        if not waiting[-1]:
            stop.set()

    monkeypatch.setattr(worker, "POLL_SECONDS", 0.0)
    worker._answer_requests(app, stop, heartbeat)
    assert waiting == [150, 50, 0]


def test_every_periodic_job_runs_as_the_job_queue_calls_it(app: Flask, sync_database_clock: Callable[[], None]) -> None:
    """Run each job in a thread of its own, without an application context."""
    sync_database_clock()
    huey.worker_stop = threading.Event()
    jobs, broken = huey._registry.periodic_tasks, []

    def run_all() -> None:
        for job in jobs:
            try:
                job.execute()
            except Exception as error:  # noqa: BLE001  the test shows every error
                broken.append((job.name, error))

    thread = threading.Thread(target=run_all)
    thread.start()
    thread.join(60)
    assert broken == []
    done = set(db.session.scalars(select(PeriodicRun.job).where(PeriodicRun.ended_at.is_not(None))))
    assert len(done) == len(jobs) >= 10


def test_missing_runs_of_jobs_are_reported_until_one_starts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = WorkerProgress(())
    monkeypatch.setattr(tasks, "progress", progress)

    def trouble_after(minutes: int) -> str | None:
        if progress.newest_run_since is not None:
            progress.newest_run_since -= minutes * 60
        return tasks.queue_trouble()

    def start_run(minute: int) -> None:
        run_once("take-bounces", START + timedelta(minutes=minute), lambda: None, context=context())

    assert [trouble_after(0), trouble_after(9)] == [None, None]
    start_run(0)
    assert [trouble_after(1), trouble_after(9)] == [None, None]
    assert trouble_after(3) == "no periodic job has begun for 12 minutes: see the workers' log"
    start_run(12)
    assert trouble_after(1) is None


def test_an_unavailable_queue_is_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_worker, "_queue_throttle", LogThrottle())

    def logged_message(error: Exception, name: str = "huey.consumer.Worker") -> str | None:
        what = (type(error), error, None)
        record = logging.LogRecord(name, logging.ERROR, "", 0, "Error enqueueing periodic task %s.", ("x",), what)
        is_said = cli_worker._shorten(record)
        assert record.exc_info is (what if is_said and name == "campaign" else None)
        return record.getMessage() if is_said else None

    assert "the queue of jobs is away: " in str(logged_message(psycopg.OperationalError("connection to server failed")))
    assert logged_message(RedisConnectionError("Error 111")) is None
    assert "away" not in str(logged_message(psycopg.ProgrammingError("syntax error")))
    assert logged_message(ValueError("a job's own"), "campaign") == "Error enqueueing periodic task x."
