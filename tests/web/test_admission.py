"""Threads while the database hangs: those beyond the kept ones wait briefly, then not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from campaign.web.http.admission import ADMISSION, SECONDS, Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Under:
    """An application behind an admission of four threads, and requests that come while others are being answered."""

    def __init__(self) -> None:
        self.now = 100.0
        self.status = "200 OK"
        self.seconds: list[Any] = []
        self.admission = Admission(self._answer, lambda: self.now)
        self.admission.threads = 4
        self._inside: list[tuple[str, str, float]] = []

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seconds.append(environ.get(SECONDS))
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
        """Each comes while all before it are still waiting; returns how long each may wait for the database."""
        self.seconds.clear()
        self._inside = list(requests[1:])
        self._ask(*requests[0])
        return list(self.seconds)


SIGN, READ = ("POST", "/en/appeals/case/sign", 0.0), ("GET", "/en/", 0.0)
LATE = ("POST", "/en/appeals/case/sign", 2.0)


@pytest.fixture
def under() -> Under:
    return Under()


def test_while_answers_come_all_get_in(under: Under) -> None:
    assert [under.ask(SIGN) for _ in range(50)] == [[None]] * 50


def test_writers_leave_two_threads_and_readers_one(under: Under) -> None:
    assert under.ask(SIGN, SIGN, SIGN) == [None, None, 3.0]
    assert under.ask(SIGN, SIGN, READ) == [None, None, None]
    assert under.ask(SIGN, SIGN, READ, READ) == [None, None, None, 3.0]


def test_where_nothing_is_answered_those_beyond_are_turned_away_at_once(under: Under) -> None:
    under.status = "503 SERVICE UNAVAILABLE"
    assert under.ask(SIGN, SIGN, LATE, ("GET", "/healthz", 0.0)) == [None, None, 0.0, None]
    assert under.ask(SIGN, SIGN) == [None, None], "whoever finds a thread that may hang sees whether it still does"


def test_an_answer_that_breaks_gives_its_thread_back(under: Under) -> None:
    under.status = "broken"
    for _ in range(5):
        with pytest.raises(ValueError, match="foresaw"):
            under.ask(SIGN)
    under.status = "200 OK"
    assert under.ask(SIGN, SIGN) == [None, None]


def test_who_reads_an_answer_slowly_takes_no_place(under: Under) -> None:
    """Its thread is busy, but the database is not what it waits for."""
    unread = [under.admission(create_environ("/en/"), lambda *_: lambda _: None) for _ in range(20)]
    under.now += 60
    assert under.ask(READ) == [None]
    assert len(unread) == 20


def test_who_is_turned_away_is_told_when_to_come_again(client: FlaskClient, app: Flask) -> None:
    assert isinstance(app.extensions[ADMISSION], Admission)
    answer = client.get("/fr/", environ_overrides={SECONDS: 0.0})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert '<html lang="fr"' in answer.text
