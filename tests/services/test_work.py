"""What a worker does beside delivering: it goes on, whatever one piece of work does."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from campaign import tasks


def test_links_are_answered_after_one_could_not_be(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, calls = threading.Event(), []

    def answer(**_given: object) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("a request that nobody foresaw")
        stop.set()
        return 0

    monkeypatch.setattr(tasks, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(tasks, "answer_link_requests", answer)
    tasks._mind(app, stop, turning=lambda: None)
    assert len(calls) == 2
