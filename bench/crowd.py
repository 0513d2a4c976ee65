"""A thousand supporters who read and poll while two hundred a second sign, for two minutes, beside bare endpoints."""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bench.support.report import Row
from bench.support.site import bench_sites, serve_both

SUPPORTERS = 1_000
SIGNING = 200
SECONDS = float(os.environ.get("TOCSIN_BENCH_SECONDS", "120"))
POLL_SECONDS = 10.0
LIMIT = 5.0
SIGNERS = 50


@dataclass
class _Observations:
    """The observations of all clients: the seconds by kind of request, and every wrong answer."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "sign": []})
    wrong_answers: list[str] = field(default_factory=list)


def measure_suite() -> list[Row]:
    """Return rows of the application beside the bare endpoints under the same load."""
    rows = []
    with bench_sites("crowd") as sites:
        for bench_site in sites:
            bench_site.make(10_000)
            with serve_both(bench_site) as (port, bare_port):
                paths = ("/en/appeals/case-0", "/api/v1/appeals/case-0", "/en/appeals/case-0/sign")
                observed = asyncio.run(_crowd(port, *paths))
                bare_observed = asyncio.run(_crowd(bare_port, "/hello", "/hello-small", "/sign"))
            for kind in ("read", "sign"):
                milliseconds, bare_milliseconds = _p99(observed.seconds[kind]), _p99(bare_observed.seconds[kind])
                rows.append(
                    Row(
                        bench_site.kind,
                        f"crowd, {kind}, p99",
                        milliseconds,
                        bare_milliseconds,
                        "ms",
                        milliseconds / bare_milliseconds,
                        LIMIT,
                        True,
                    )
                )
            rate = len(observed.seconds["sign"]) / SECONDS
            rows.append(Row(bench_site.kind, "crowd, signed", rate, SIGNING, "1/s", rate / SIGNING, 0.95))
            errors = len(observed.wrong_answers)
            rows.append(
                Row(
                    bench_site.kind,
                    "crowd, errors",
                    errors,
                    len(bare_observed.wrong_answers),
                    "",
                    float(errors),
                    0.0,
                    True,
                )
            )
    return rows


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000


async def _crowd(port: int, page: str, poll: str, form: str) -> _Observations:
    observations, end = _Observations(), time.monotonic() + SECONDS
    readers = [_read(port, page, poll, observations, end) for _ in range(SUPPORTERS)]
    signers = [_sign(port, form, number, observations, end) for number in range(SIGNERS)]
    await asyncio.gather(*readers, *signers)
    return observations


async def _read(port: int, page: str, poll: str, observations: _Observations, end: float) -> None:
    """Read the page within the first seconds, then poll, each time over a new connection."""
    await asyncio.sleep(random.uniform(0, POLL_SECONDS))  # noqa: S311  no secret
    path = page
    while time.monotonic() < end:
        await _request(port, f"GET {path} HTTP/1.1\r\nAccept-Encoding: br", b"", b"200", "read", observations)
        path = poll
        await asyncio.sleep(POLL_SECONDS)


async def _sign(port: int, path: str, client_number: int, observations: _Observations, end: float) -> None:
    """Sign at an even pace, so that all clients together reach SIGNING a second."""
    interval, number, due_at = SIGNERS / SIGNING, 0, time.monotonic() + random.uniform(0, 1)  # noqa: S311  no secret
    while due_at < end:
        await asyncio.sleep(max(0.0, due_at - time.monotonic()))
        email = f"crowd-{client_number}-{number}@mail.example"
        body = urlencode({"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}).encode()
        head = f"POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}"
        await _request(port, head, body, b"303", "sign", observations)
        number, due_at = number + 1, due_at + interval


async def _request(
    port: int, head: str, body: bytes, expected_status: bytes, kind: str, observations: _Observations
) -> None:
    start = time.perf_counter()
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode() + body)
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError) as error:
        observations.wrong_answers.append(type(error).__name__)
        return
    observations.seconds[kind].append(time.perf_counter() - start)
    if answer[9:12] != expected_status:
        observations.wrong_answers.append(answer[:30].decode("ascii", "replace"))
