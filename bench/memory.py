"""The memory of a web process after a hundred thousand requests, against its memory once warm."""

from __future__ import annotations

import psutil

from bench.support.client import get, load, sign_up
from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites, serve_both

WARM_UP = 5_000
REQUESTS = 100_000
LIMIT = 1.05
_PATHS = ("/en/appeals/case-0", "/api/v1/appeals/case-0", "/fr/", "/ar/appeals/case-0/progress?a={}", "/en/nowhere")


def measure_suite() -> list[Row]:
    """Return one row for each database."""
    with bench_sites("memory") as found:
        return [_measure(place) for place in found]


def _measure(place: BenchSite) -> Row:
    place.make(1_000)
    with serve_both(place, workers=1) as (port, _):
        _ask(port, WARM_UP, "warm")
        before = _resident(port)
        _ask(port, REQUESTS, "measured")
        after = _resident(port)
    return Row(place.kind, f"memory after {REQUESTS:,} requests", after, before, "MB", after / before, LIMIT, True)


def _ask(port: int, requests: int, run: str) -> None:
    """Ask for pages old and new and unknown addresses, with one sign-up in fifty."""
    share = requests // len(_PATHS)
    for path in _PATHS:
        wanted = 404 if "nowhere" in path else 200
        load(port, get(path), wanted, seconds=3600, most=share - share // 50)
    load(port, sign_up("/en/appeals/case-0/sign", run), 303, seconds=3600, most=requests // 50)


def _resident(port: int) -> float:
    """Return the megabytes of the worker process that listens there."""
    sockets = psutil.net_connections("tcp")
    listening = {one.pid for one in sockets if one.status == "LISTEN" and getattr(one.laddr, "port", None) == port}
    workers = [process for process in map(psutil.Process, listening) if not process.children()]
    return max(process.memory_info().rss for process in workers) / 1e6
