"""Admission while the database hangs: requests beyond the reserved threads wait briefly, later ones not at all."""

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
    """An application behind an admission of four threads, whose requests arrive while earlier ones wait."""

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
            self._send(*self._inside.pop(0))
        if self.status == "broken":
            raise ValueError("nobody foresaw this")
        start_response(self.status, [])
        return [b""]

    def _send(self, method: str, path: str, wait: float) -> None:
        self.now += wait
        self.admission(create_environ(path, method=method), lambda *_: lambda _: None)

    def send(self, *requests: tuple[str, str, float]) -> list[Any]:
        """Send each request while all before it wait; return how long each may wait for the database."""
        self.seconds.clear()
        self._inside = list(requests[1:])
        self._send(*requests[0])
        return list(self.seconds)


SIGN, READ = ("POST", "/en/appeals/case/sign", 0.0), ("GET", "/en/", 0.0)
LONG_WAIT_SIGN = ("POST", "/en/appeals/case/sign", 2.0)


@pytest.fixture
def slow_application() -> SlowApplication:
    return SlowApplication()


def test_all_requests_are_admitted_while_answers_come(slow_application: SlowApplication) -> None:
    assert [slow_application.send(SIGN) for _ in range(50)] == [[None]] * 50


def test_writers_leave_two_threads_and_readers_one(slow_application: SlowApplication) -> None:
    assert slow_application.send(SIGN, SIGN, SIGN) == [None, None, 3.0]
    assert slow_application.send(SIGN, SIGN, READ) == [None, None, None]
    assert slow_application.send(SIGN, SIGN, READ, READ) == [None, None, None, 3.0]


def test_without_answers_further_requests_are_refused_at_once(slow_application: SlowApplication) -> None:
    slow_application.status = "503 SERVICE UNAVAILABLE"
    assert slow_application.send(SIGN, SIGN, LONG_WAIT_SIGN, ("GET", "/healthz", 0.0)) == [None, None, 0.0, None]
    assert slow_application.send(SIGN, SIGN) == [None, None], (
        "a request that gets a free thread tests whether the database still hangs"
    )


def test_a_failing_answer_releases_its_thread(slow_application: SlowApplication) -> None:
    slow_application.status = "broken"
    for _ in range(5):
        with pytest.raises(ValueError, match="foresaw"):
            slow_application.send(SIGN)
    slow_application.status = "200 OK"
    assert slow_application.send(SIGN, SIGN) == [None, None]


def test_a_slow_reader_occupies_no_place(slow_application: SlowApplication) -> None:
    """Count no place while a client reads slowly: its thread is busy, but does not wait for the database."""
    unread = [slow_application.admission(create_environ("/en/"), lambda *_: lambda _: None) for _ in range(20)]
    slow_application.now += 60
    assert slow_application.send(READ) == [None]
    assert len(unread) == 20


def test_a_refused_request_gets_a_retry_after(client: FlaskClient, app: Flask) -> None:
    assert isinstance(app.extensions[EXTENSION], Admission)
    answer = client.get("/fr/", environ_overrides={WAIT_SECONDS: 0.0})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert '<html lang="fr"' in answer.text
