"""What a worker does beside delivering: it goes on, whatever one piece of work does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from campaign import worker
from campaign.domain.address import parse_address
from campaign.extensions import db, huey
from campaign.extensions.runtime import runtime
from campaign.models import LinkRequest, PeriodicRun
from campaign.services.new_link import ask_new_links
from tests.conftest import START


def test_links_are_answered_after_one_could_not_be(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, calls = threading.Event(), []

    def answer(**_given: object) -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("a request that nobody foresaw")
        stop.set()
        return False

    monkeypatch.setattr(worker, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(worker, "answer_link_requests", answer)
    worker._mind(app, stop, turning=lambda: None)
    assert len(calls) == 2


def test_however_many_asked_for_links_all_are_answered_batch_by_batch(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(150):
        ask_new_links(parse_address(f"{number}@mail.example"), now=START, vault=runtime().vault)
    stop, waiting = threading.Event(), []

    def turning() -> None:
        waiting.append(db.session.scalar(select(func.count()).select_from(LinkRequest)))
        db.session.remove()
        if not waiting[-1]:
            stop.set()

    monkeypatch.setattr(worker, "POLL_SECONDS", 0.0)
    worker._mind(app, stop, turning)
    assert waiting == [150, 50, 0]


def test_every_periodic_job_runs_as_the_job_queue_calls_it(app: Flask, in_step: Callable[[], None]) -> None:
    """In a thread of its own, without an application context."""
    in_step()
    huey.worker_stop = threading.Event()
    jobs, broken = huey._registry.periodic_tasks, []

    def run_all() -> None:
        for job in jobs:
            try:
                job.execute()
            except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
                broken.append((job.name, error))

    thread = threading.Thread(target=run_all)
    thread.start()
    thread.join(60)
    assert broken == []
    done = set(db.session.scalars(select(PeriodicRun.job).where(PeriodicRun.ended_at.is_not(None))))
    assert len(done) == len(jobs) >= 10
