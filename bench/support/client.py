"""The load: connections that send requests for some seconds, or until each request is answered once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

CONNECTIONS = 16
Ask = Callable[[HTTPConnection, int], int]


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a round of load: answers a second, 99th percentile in milliseconds, number of answers."""

    per_second: float
    p99_ms: float
    answered: int


def load(port: int, ask: Ask, wanted: int, *, seconds: float, most: int | None = None) -> Load:
    """Send requests over all connections for that long, `most` at most; each answer must have the status `wanted`."""
    begin = time.monotonic()
    times: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    wrong: list[object] = []

    def work(lane: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        number = lane
        while time.monotonic() < begin + seconds and (most is None or number < most):
            start = time.perf_counter()
            try:
                status: object = ask(connection, number)
            except (OSError, HTTPException) as error:
                status = repr(error)
            times[lane].append(time.perf_counter() - start)
            if status != wanted:
                wrong.append(status)
                return
            number += CONNECTIONS
        connection.close()

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise SystemExit(f"bench: an answer was {wrong[0]}, not {wanted}")
    every = sorted(taken for one in times for taken in one)
    return Load(len(every) / (time.monotonic() - begin), every[int(len(every) * 0.99)] * 1000, len(every))


def get(path: str) -> Ask:
    """Return a GET as a browser sends it."""

    def ask(connection: HTTPConnection, _number: int) -> int:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip, br"})
        return _status(connection)

    return ask


def post(path_of: Callable[[int], str], form_of: Callable[[int], dict[str, str]]) -> Ask:
    """Return a POST of another form each time."""

    def ask(connection: HTTPConnection, number: int) -> int:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path_of(number), urlencode(form_of(number)), headers)
        return _status(connection)

    return ask


def sign_up(path: str, run: str) -> Ask:
    """Return a sign-up by another address each time."""

    def form(number: int) -> dict[str, str]:
        email = f"{run}-{number}@mail.example"
        return {"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}

    return post(lambda _: path, form)


def _status(connection: HTTPConnection) -> int:
    answer = connection.getresponse()
    answer.read()
    return answer.status
