"""Threads while the database hangs: requests beyond the reserved threads wait briefly, then not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from campaign.web.http.admission import EXTENSION, WAIT_SECONDS, Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class SlowApplication:
    """An application behind an admission of four threads, with requests that arrive while others are being answered."""

    def __init__(self) -> None:
        self.now = 100.0
        self.status = "200 OK"
        self.seconds: list[Any] = []
        self.admission = Admission(self._answer, lambda: self.now)
        self.admission.threads = 4
        self._inside: list[tuple[str, str, float]] = []

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seconds.append(environ.get(WAIT_SECONDS))
        if self._inside:
            self._ask(*self._inside.pop(0))
        if self.status == "broken":
            raise ValueError("nobody foresaw this")
        start_response(self.status, [])
        return [b""]

    def _ask(self, method: str, path: str, wait: float) -> None:
        self.now += wait
        self.admission(create_environ(path, method=method), lambda *_: lambda _: None)

    def ask(self, *requests: tuple[str, str, float]) -> list[Any]:
        """Let each request arrive while all before it wait; return how long each may wait for the database."""
        self.seconds.clear()
        self._inside = list(requests[1:])
        self._ask(*requests[0])
        return list(self.seconds)


SIGN, READ = ("POST", "/en/appeals/case/sign", 0.0), ("GET", "/en/", 0.0)
LATE = ("POST", "/en/appeals/case/sign", 2.0)


@pytest.fixture
def slow_application() -> SlowApplication:
    return SlowApplication()


def test_while_answers_come_all_get_in(slow_application: SlowApplication) -> None:
    assert [slow_application.ask(SIGN) for _ in range(50)] == [[None]] * 50


def test_writers_leave_two_threads_and_readers_one(slow_application: SlowApplication) -> None:
    assert slow_application.ask(SIGN, SIGN, SIGN) == [None, None, 3.0]
    assert slow_application.ask(SIGN, SIGN, READ) == [None, None, None]
    assert slow_application.ask(SIGN, SIGN, READ, READ) == [None, None, None, 3.0]


def test_where_nothing_is_answered_those_beyond_are_turned_away_at_once(slow_application: SlowApplication) -> None:
    slow_application.status = "503 SERVICE UNAVAILABLE"
    assert slow_application.ask(SIGN, SIGN, LATE, ("GET", "/healthz", 0.0)) == [None, None, 0.0, None]
    assert slow_application.ask(SIGN, SIGN) == [None, None], (
        "whoever finds a thread that may hang sees whether it still does"
    )


def test_an_answer_that_breaks_gives_its_thread_back(slow_application: SlowApplication) -> None:
    slow_application.status = "broken"
    for _ in range(5):
        with pytest.raises(ValueError, match="foresaw"):
            slow_application.ask(SIGN)
    slow_application.status = "200 OK"
    assert slow_application.ask(SIGN, SIGN) == [None, None]


def test_a_slow_reader_takes_no_place(slow_application: SlowApplication) -> None:
    """Leave a place free while a client reads slowly: its thread is busy, but does not wait for the database."""
    unread = [slow_application.admission(create_environ("/en/"), lambda *_: lambda _: None) for _ in range(20)]
    slow_application.now += 60
    assert slow_application.ask(READ) == [None]
    assert len(unread) == 20


def test_a_refused_request_gets_a_retry_after(client: FlaskClient, app: Flask) -> None:
    assert isinstance(app.extensions[EXTENSION], Admission)
    answer = client.get("/fr/", environ_overrides={WAIT_SECONDS: 0.0})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert '<html lang="fr"' in answer.text
