"""Threads while the database hangs: those beyond the kept ones wait briefly, then not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from campaign.web.admission import ADMISSION, SECONDS, Admission

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Under:
    """An application behind an admission of four threads; its answers end when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.status = "200 OK"
        self.seconds: list[Any] = []
        self.admission = Admission(self._answer, lambda: self.now)
        self.admission.threads = 4

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seconds.append(environ.get(SECONDS))
        start_response(self.status, [])
        return [b""]

    def ask(self, method: str = "POST", path: str = "/en/appeals/case/sign") -> Any:
        """An answer whose thread is busy until it is closed."""
        return self.admission(create_environ(path, method=method), lambda *_: lambda _: None)


@pytest.fixture
def under() -> Under:
    return Under()


def test_while_answers_come_all_get_in(under: Under) -> None:
    for _ in range(50):
        under.ask().close()
    assert set(under.seconds) == {None}


def test_writers_leave_two_threads_and_readers_one(under: Under) -> None:
    for _ in range(3):
        under.ask()
    assert under.seconds == [None, None, 3.0]
    under.ask("GET", "/en/")
    assert under.seconds[3] == 3.0, "three of four are busy already"


def test_where_nothing_is_answered_those_beyond_are_turned_away_at_once(under: Under) -> None:
    under.status = "503 SERVICE UNAVAILABLE"
    hanging = [under.ask() for _ in range(2)]
    under.now += 2
    under.ask().close()
    assert under.seconds[-1] == 0.0
    under.ask("GET", "/healthz")
    assert under.seconds[-1] is None
    hanging.pop().close()
    under.ask().close()
    assert under.seconds[-1] is None, "whoever finds a thread that may hang sees whether it still does"
    under.status = "303 SEE OTHER"
    under.ask().close()
    under.ask()
    under.ask()
    assert under.seconds[-1] == 3.0, "answers come again"


def test_an_answer_that_breaks_gives_its_thread_back(under: Under) -> None:
    def broken(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        raise ValueError("nobody foresaw this")

    whole, under.admission._application = under.admission._application, broken
    for _ in range(5):
        with pytest.raises(ValueError, match="foresaw"):
            under.ask()
    under.admission._application = whole
    answer = under.ask()
    answer.close()
    answer.close()
    under.ask()
    assert under.seconds == [None, None]


def test_who_is_turned_away_is_told_when_to_come_again(client: FlaskClient, app: Flask) -> None:
    assert isinstance(app.extensions[ADMISSION], Admission)
    answer = client.get("/fr/", environ_overrides={SECONDS: 0.0})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert '<html lang="fr"' in answer.text
