"""gunicorn (gthread) against granian, each with two processes and four threads: the same requests in one run."""

from __future__ import annotations

import statistics

from bench.support.client import Ask, Load, get, load, sign_up
from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites
from tests.deploy.processes import free_port, running, wait_for, web

SECONDS = 3.0
ROUNDS = 3
_GRANIAN = "--workers 2 --blocking-threads 4 --backpressure 64 --no-ws --log-level warning"


def measure_suite() -> list[Row]:
    """Return rows of granian against gunicorn, without a limit: docs/performance.md says which is used, and why."""
    with bench_sites("server") as found:
        return [row for place in found for row in _measure(place)]


def _granian(port: int) -> list[str]:
    return [*f"granian --interface wsgi --host 127.0.0.1 --port {port}".split(), *_GRANIAN.split(), "app:app"]


def _ask(what: str, run: str) -> tuple[Ask, int]:
    """Return the request, and the status that answers it."""
    if what == "sign-up":
        return sign_up("/en/appeals/case-0/sign", run), 303
    return (get("/en/nowhere"), 404) if what == "not found" else (get("/en/appeals/case-0"), 200)


def _measure(place: BenchSite) -> list[Row]:
    place.make(1_000)
    ports = {"granian": free_port(), "gunicorn": free_port()}
    rows = []
    with running(place.environ(), [_granian(ports["granian"]), web(ports["gunicorn"], 2)], place.folder / "log"):
        for port in ports.values():
            wait_for(f"http://127.0.0.1:{port}/readyz")
        for what in ("appeal page", "not found", "sign-up"):
            seen: dict[str, list[Load]] = {name: [] for name in ports}
            for turn in range(ROUNDS):
                for name, port in ports.items():
                    ask, wanted = _ask(what, f"{name}{turn}")
                    seen[name].append(load(port, ask, wanted, seconds=SECONDS))
            rows.append(_row(place, what, "1/s", *([one.per_second for one in seen[name]] for name in ports)))
            rows.append(_row(place, f"{what}, p99", "ms", *([one.p99_ms for one in seen[name]] for name in ports)))
    return rows


def _row(place: BenchSite, what: str, unit: str, mine: list[float], theirs: list[float]) -> Row:
    ratio = statistics.median(one / other for one, other in zip(mine, theirs, strict=True))
    return Row(place.kind, f"granian, {what}", statistics.median(mine), statistics.median(theirs), unit, ratio)
