"""gunicorn (gthread) against granian, each with two processes and four threads: the same requests in one run."""

from __future__ import annotations

import statistics

from bench.support.client import Load, Request, get, load, sign_up
from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites
from tests.deploy.processes import free_port, running, wait_for, web

SECONDS = 3.0
ROUNDS = 3
_GRANIAN = "--workers 2 --blocking-threads 4 --backpressure 64 --no-ws --log-level warning"


def measure_suite() -> list[Row]:
    """Return rows of granian against gunicorn, without a limit: docs/performance.md says which is used, and why."""
    with bench_sites("server") as sites:
        return [row for bench_site in sites for row in _measure(bench_site)]


def _granian(port: int) -> list[str]:
    return [*f"granian --interface wsgi --host 127.0.0.1 --port {port}".split(), *_GRANIAN.split(), "app:app"]


def _request_for(what: str, run: str) -> tuple[Request, int]:
    """Return the request and the expected status."""
    if what == "sign-up":
        return sign_up("/en/appeals/case-0/sign", run), 303
    return (get("/en/nowhere"), 404) if what == "not found" else (get("/en/appeals/case-0"), 200)


def _measure(bench_site: BenchSite) -> list[Row]:
    bench_site.make(1_000)
    ports = {"granian": free_port(), "gunicorn": free_port()}
    rows = []
    with running(
        bench_site.environ(),
        [_granian(ports["granian"]), web(ports["gunicorn"], 2)],
        bench_site.folder / "log",
        is_fresh=True,
    ):
        for port in ports.values():
            wait_for(f"http://127.0.0.1:{port}/readyz")
        for what in ("appeal page", "not found", "sign-up"):
            loads: dict[str, list[Load]] = {name: [] for name in ports}
            for turn in range(ROUNDS):
                for name, port in ports.items():
                    ask, expected_status = _request_for(what, f"{name}{turn}")
                    loads[name].append(load(port, ask, expected_status, seconds=SECONDS))
            rows.append(
                _row(bench_site, what, "1/s", *([result.per_second for result in loads[name]] for name in ports))
            )
            rows.append(
                _row(bench_site, f"{what}, p99", "ms", *([result.p99_ms for result in loads[name]] for name in ports))
            )
    return rows


def _row(bench_site: BenchSite, what: str, unit: str, granian: list[float], gunicorn: list[float]) -> Row:
    ratio = statistics.median(own / comparison for own, comparison in zip(granian, gunicorn, strict=True))
    return Row(
        bench_site.kind, f"granian, {what}", statistics.median(granian), statistics.median(gunicorn), unit, ratio
    )
