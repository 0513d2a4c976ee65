"""The load: connections that send requests for some seconds, or until a number of requests is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

CONNECTIONS = 16
Request = Callable[[HTTPConnection, int], int]


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a round of load: answers a second, 99th percentile in milliseconds, number of answers."""

    per_second: float
    p99_ms: float
    answered: int


def load(port: int, request: Request, expected_status: int, *, seconds: float, max_requests: int | None = None) -> Load:
    """Send requests over all connections for that long, at most `max_requests`; each must get the expected status."""
    started_at = time.monotonic()
    times: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    wrong_statuses: list[object] = []

    def work(connection_number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        number = connection_number
        while time.monotonic() < started_at + seconds and (max_requests is None or number < max_requests):
            start = time.perf_counter()
            try:
                status: object = request(connection, number)
            except (OSError, HTTPException) as error:
                status = repr(error)
            times[connection_number].append(time.perf_counter() - start)
            if status != expected_status:
                wrong_statuses.append(status)
                return
            number += CONNECTIONS
        connection.close()

    threads = [threading.Thread(target=work, args=(connection_number,)) for connection_number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong_statuses:
        raise SystemExit(f"bench: an answer was {wrong_statuses[0]}, not {expected_status}")
    all_times = sorted(time_taken for connection_times in times for time_taken in connection_times)
    return Load(
        len(all_times) / (time.monotonic() - started_at), all_times[int(len(all_times) * 0.99)] * 1000, len(all_times)
    )


def get(path: str) -> Request:
    """Return a GET as a browser sends it."""

    def send(connection: HTTPConnection, _number: int) -> int:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip, br"})
        return _status(connection)

    return send


def post(path_of: Callable[[int], str], form_of: Callable[[int], dict[str, str]]) -> Request:
    """Return a POST of another form each time."""

    def send(connection: HTTPConnection, number: int) -> int:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path_of(number), urlencode(form_of(number)), headers)
        return _status(connection)

    return send


def sign_up(path: str, run: str) -> Request:
    """Return a sign-up by another address each time."""

    def form(number: int) -> dict[str, str]:
        email = f"{run}-{number}@mail.example"
        return {"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}

    return post(lambda _: path, form)


def _status(connection: HTTPConnection) -> int:
    answer = connection.getresponse()
    answer.read()
    return answer.status
