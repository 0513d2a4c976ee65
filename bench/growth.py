"""The same work with ten, ten thousand and a million signatures, in turns within one run, as a ratio to the first."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask

from bench.support.report import Row
from bench.support.site import bench_sites
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.counting.counts import counts, daily_counts
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import confirm_at, newest_sign_up

SIZES = (10, 10_000, 1_000_000)
LARGE = 10_000_000  # with TOCSIN_BENCH=large, `make bench-large`
CELLS = 3_000
TURNS = 60
WARM_UP = 5
LIMIT = 1.15


def measure_suite() -> list[Row]:
    """Return all rows, on both databases."""
    sizes = (*SIZES, LARGE) if os.environ.get("TOCSIN_BENCH") == "large" else SIZES
    rows = []
    with bench_sites("growth") as sites:
        for bench_site in sites:
            apps = [bench_site.sized(str(size)).make(size, cells=CELLS) for size in sizes]
            times = _measure(apps)
            for what in times[0]:
                medians = [statistics.median(app_times[what]) * 1000 for app_times in times]
                rows += [
                    Row(
                        bench_site.kind,
                        f"{what}, {size:,}",
                        value,
                        medians[0],
                        "ms",
                        value / medians[0],
                        LIMIT,
                        is_ceiling=True,
                    )
                    for size, value in zip(sizes[1:], medians[1:], strict=True)
                ]
    return rows


def _measure(apps: list[Flask]) -> list[dict[str, list[float]]]:
    """Return the times of each kind of work for each application, in turns, so that noise affects all alike."""
    times: list[dict[str, list[float]]] = [{} for _ in apps]
    for turn in range(TURNS + WARM_UP):
        for app, app_times in zip(apps, times, strict=True):
            with app.app_context():
                for what, work in _work_by_name(app, turn).items():
                    start = time.perf_counter()
                    work()
                    spent = time.perf_counter() - start
                    if turn >= WARM_UP:
                        app_times.setdefault(what, []).append(spent)
                    db.session.rollback()
    for app in apps:
        with app.app_context():
            db.engine.dispose()
    return times


def _work_by_name(app: Flask, turn: int) -> dict[str, Callable[[], object]]:
    """Prepare the work, and return the functions to be timed."""
    appeal = find_appeal("case-0")
    if appeal is None:
        raise LookupError("the appeal is gone")
    db.session.rollback()
    client, now = app.test_client(), datetime.now(UTC)
    address = parse_address(f"growth-{turn}@mail.example")
    sign_up = SignUpRequest(appeal.id, "fr", "FR", "Jeanne Martin", address, "en", "en", 1, None)

    def request_page(path: str) -> None:
        for cache_name in ("tocsin_data_cache", "tocsin_page_cache"):
            app.extensions[cache_name] = type(app.extensions[cache_name])()
        app.extensions["tocsin_response_cache"].clear()
        if client.get(path).status_code != 200:
            raise SystemExit(f"bench: {path} did not answer 200")

    def confirm_newest() -> None:
        confirm_at(newest_sign_up(), now)

    return {
        "appeal page, nothing kept": lambda: request_page("/en/appeals/case-0"),
        "progress page, nothing kept": lambda: request_page("/en/appeals/case-0/progress"),
        "counts API, nothing kept": lambda: request_page("/api/v1/appeals/case-0"),
        "counts": lambda: counts(appeal.id),
        "days": lambda: daily_counts(appeal.id),
        "sign-up": lambda: sign(sign_up, context=runtime().context(SUPPORTER, now=now)),
        "confirm": confirm_newest,
    }
