"""A thousand supporters who read and poll while two hundred a second sign, for two minutes; the bare endpoints too."""

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
class _Seen:
    """The observations of all clients: seconds by kind of request, and every wrong answer."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "sign": []})
    wrong: list[str] = field(default_factory=list)


def measure_suite() -> list[Row]:
    """Return rows of the application beside the bare endpoints under the same load."""
    rows = []
    with bench_sites("crowd") as found:
        for place in found:
            place.make(10_000)
            with serve_both(place) as (port, bare_port):
                paths = ("/en/appeals/case-0", "/api/v1/appeals/case-0", "/en/appeals/case-0/sign")
                ours = asyncio.run(_crowd(port, *paths))
                bare = asyncio.run(_crowd(bare_port, "/hello", "/hello-small", "/sign"))
            for kind in ("read", "sign"):
                mine, other = _p99(ours.seconds[kind]), _p99(bare.seconds[kind])
                rows.append(Row(place.kind, f"crowd, {kind}, p99", mine, other, "ms", mine / other, LIMIT, True))
            rate = len(ours.seconds["sign"]) / SECONDS
            rows.append(Row(place.kind, "crowd, signed", rate, SIGNING, "1/s", rate / SIGNING, 0.95))
            errors = len(ours.wrong)
            rows.append(Row(place.kind, "crowd, errors", errors, len(bare.wrong), "", float(errors), 0.0, True))
    return rows


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000


async def _crowd(port: int, page: str, poll: str, form: str) -> _Seen:
    seen, end = _Seen(), time.monotonic() + SECONDS
    readers = [_read(port, page, poll, seen, end) for _ in range(SUPPORTERS)]
    signers = [_sign(port, form, number, seen, end) for number in range(SIGNERS)]
    await asyncio.gather(*readers, *signers)
    return seen


async def _read(port: int, page: str, poll: str, seen: _Seen, end: float) -> None:
    """Read the page within the first seconds, then poll, each time over a new connection."""
    await asyncio.sleep(random.uniform(0, POLL_SECONDS))  # noqa: S311  no secret
    path = page
    while time.monotonic() < end:
        await _ask(port, f"GET {path} HTTP/1.1\r\nAccept-Encoding: br", b"", b"200", "read", seen)
        path = poll
        await asyncio.sleep(POLL_SECONDS)


async def _sign(port: int, path: str, lane: int, seen: _Seen, end: float) -> None:
    """Sign at an even pace, so that all threads together reach the wanted rate."""
    pace, number, due = SIGNERS / SIGNING, 0, time.monotonic() + random.uniform(0, 1)  # noqa: S311  no secret
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        email = f"crowd-{lane}-{number}@mail.example"
        body = urlencode({"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}).encode()
        head = f"POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}"
        await _ask(port, head, body, b"303", "sign", seen)
        number, due = number + 1, due + pace


async def _ask(port: int, head: str, body: bytes, wanted: bytes, kind: str, seen: _Seen) -> None:
    start = time.perf_counter()
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode() + body)
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError) as error:
        seen.wrong.append(type(error).__name__)
        return
    seen.seconds[kind].append(time.perf_counter() - start)
    if answer[9:12] != wanted:
        seen.wrong.append(answer[:30].decode("ascii", "replace"))
