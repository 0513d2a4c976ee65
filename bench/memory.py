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
    with bench_sites("memory") as sites:
        return [_measure(bench_site) for bench_site in sites]


def _measure(bench_site: BenchSite) -> Row:
    bench_site.make(1_000)
    with serve_both(bench_site, workers=1) as (port, _):
        _send_requests(port, WARM_UP, "warm")
        before = _resident(port)
        _send_requests(port, REQUESTS, "measured")
        after = _resident(port)
    return Row(bench_site.kind, f"memory after {REQUESTS:,} requests", after, before, "MB", after / before, LIMIT, True)


def _send_requests(port: int, requests: int, run: str) -> None:
    """Request cached, uncached and unknown pages, with one sign-up in fifty requests."""
    share = requests // len(_PATHS)
    for path in _PATHS:
        expected_status = 404 if "nowhere" in path else 200
        load(port, get(path), expected_status, seconds=3600, max_requests=share - share // 50)
    load(port, sign_up("/en/appeals/case-0/sign", run), 303, seconds=3600, max_requests=requests // 50)


def _resident(port: int) -> float:
    """Return the resident megabytes of the worker process that listens on the port."""
    sockets = psutil.net_connections("tcp")
    listening = {
        connection.pid
        for connection in sockets
        if connection.status == "LISTEN" and getattr(connection.laddr, "port", None) == port
    }
    workers = [process for process in map(psutil.Process, listening) if not process.children()]
    return max(process.memory_info().rss for process in workers) / 1e6
