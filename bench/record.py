"""A simulation of a hundred times the record load, which gives the processes and databases that it needs.

2,000 signatures a minute once overloaded a parliament's petition site. A hundred times that is 3,333 a second. The
simulation has two stations in a row, each a queue with several servers (M/G/c, first come first served):

- the web processes; their service time is that of a sign-up in the whole application without its database;
- the database's connections; their service time is that of the transaction, divided by its concurrency.

Both service times are measured first. The web process counts the limits in Redis, which must be installed, and each
signer sends a proof of work, because the site asks for one under such a load.
"""

from __future__ import annotations

import heapq
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import altcha
from flask import Flask

from bench.support.report import Row
from bench.support.site import bench_sites
from campaign.domain.abuse.challenge import Challenges
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.platform import db
from campaign.platform.runtime import RUNTIME_KEY, runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.deploy.processes import redis

RECORD = 2_000 / 60
TIMES = 100
SECONDS = 30
CONNECTIONS = 32
MAX_P99 = 1.0
SIGN_UPS, WARM_UP = 300, 50


def measure_suite() -> list[Row]:
    """Return the smallest number of servers of each station with a p99 under a second, for each load."""
    with bench_sites("record", ("postgresql",)) as (bench_site,):
        app = bench_site.make(10_000)
        transaction, concurrency = _measure(app)
        median_transaction = sorted(transaction)[len(transaction) // 2]
        without_limits = _web(app, median_transaction)
        with redis(bench_site.folder) as limits:
            app_with_limits = bench_site.app(TOCSIN_LIMITS_URL=limits, TOCSIN_PROXIES="1")
            with_limits = _web(app_with_limits, median_transaction)
            app_with_proofs = bench_site.app(TOCSIN_LIMITS_URL=limits, TOCSIN_PROXIES="1", TOCSIN_CHALLENGE="always")
            web = _web(app_with_proofs, median_transaction, _proofs(app_with_proofs))
        for measured_app in (app, app_with_limits, app_with_proofs):
            with measured_app.app_context():
                db.engine.dispose()
    capacity = concurrency / (sum(transaction) / len(transaction))
    rows = [
        *(
            Row("measured", f"sign-up without its database{condition}", 1000 * sum(times) / len(times), 0, "ms", 0)
            for condition, times in (("", without_limits), (", limits", with_limits), (", limits and proof", web))
        ),
        Row("measured", "its transaction", 1000 * sum(transaction) / len(transaction), 0, "ms", 0),
        Row("measured", f"transactions, {CONNECTIONS} connections", capacity, 0, "1/s", 0),
    ]
    for times in (1, 10, TIMES):
        rate = RECORD * times
        rows += _needed(rate, times, web, transaction, concurrency)
    return rows


def _needed(rate: float, times: int, web: list[float], transaction: list[float], concurrency: float) -> list[Row]:
    databases = processes = 1
    while True:
        waiting_times = simulate(rate, web, processes, transaction, max(1, round(databases * concurrency)))
        p99 = sorted(waiting_times)[int(len(waiting_times) * 0.99)]
        if p99 <= MAX_P99:
            break
        # Add a server to the station with the higher load.
        if (
            rate * sum(web) / len(web) / processes
            > rate * sum(transaction) / len(transaction) / concurrency / databases
        ):
            processes += 1
        else:
            databases += 1
    return [
        Row("simulated", f"record × {times}: web processes", processes, rate, "at 1/s", processes / rate),
        Row("simulated", f"record × {times}: databases like this", databases, rate, "at 1/s", databases / rate),
        Row("simulated", f"record × {times}: p99", p99 * 1000, MAX_P99 * 1000, "ms", p99 / MAX_P99, 1.0, True),
    ]


def simulate(rate: float, web: list[float], processes: int, transaction: list[float], connections: int) -> list[float]:
    """Return the seconds from arrival to answer of each sign-up; they arrive at random moments within SECONDS."""
    random_source = random.Random(7)  # noqa: S311  the same arrivals each time
    web_free_at, database_free_at = [0.0] * processes, [0.0] * connections
    now, waiting_times = 0.0, []
    while now < SECONDS:
        now += random_source.expovariate(rate)
        web_done = max(now, web_free_at[0]) + random_source.choice(web)
        heapq.heapreplace(web_free_at, web_done)
        answered_at = max(web_done, database_free_at[0]) + random_source.choice(transaction)
        heapq.heapreplace(database_free_at, answered_at)
        waiting_times.append(answered_at - now)
    return waiting_times


def _measure(app: Flask) -> tuple[list[float], float]:
    """Return the seconds of each sign-up's transaction, and how many the database runs concurrently."""
    with app.app_context():
        appeal = find_appeal("case-0")
        if appeal is None:
            raise LookupError("the appeal is gone")
        db.session.remove()

    def transaction(name: str) -> float:
        address = parse_address(f"{name}@mail.example")
        sign_up = SignUpRequest(appeal.id, "fr", "FR", "Jeanne Martin", address, "en", "en", 1, None)
        start = time.perf_counter()
        sign(sign_up, context=runtime().context(SUPPORTER))
        return time.perf_counter() - start

    with app.app_context():
        seconds = [transaction(f"alone{number}") for number in range(SIGN_UPS)][WARM_UP:]
    return seconds, _rate(app, transaction) * sorted(seconds)[len(seconds) // 2]


def _web(app: Flask, transaction: float, proofs: list[str] | None = None) -> list[float]:
    """Return the seconds of each sign-up in the application without its transaction; each is from another network."""
    client, seconds = app.test_client(), []
    for number in range(SIGN_UPS):
        form = {"name": "Jeanne Martin", "email": f"{id(app)}-{number}@mail.example", "country": "FR", "consent": "y"}
        if proofs is not None:
            form["proof"] = proofs[number]
        network = {"X-Forwarded-For": f"198.{18 + number // 256}.{number % 256}.1"}
        start = time.perf_counter()
        status = client.post("/en/appeals/case-0/sign", data=form, headers=network).status_code
        if status != 303:
            raise SystemExit(f"bench: sign-up {number} was answered {status}")
        seconds.append(max(0.0002, time.perf_counter() - start - transaction))
    return seconds[WARM_UP:]


def _proofs(app: Flask) -> list[str]:
    """Return SIGN_UPS proofs of work, solved concurrently."""
    challenges = Challenges(app.extensions[RUNTIME_KEY].settings.secret_key)

    def solve(_number: int) -> str:
        puzzle = altcha.Challenge.from_dict(challenges.make_puzzle("case-0", datetime.now(UTC)))
        solution = altcha.solve_challenge(puzzle)
        assert solution is not None
        return json.dumps(altcha.Payload(puzzle, solution).to_dict())

    with ThreadPoolExecutor() as pool:
        return list(pool.map(solve, range(SIGN_UPS)))


def _rate(app: Flask, transaction: Callable[[str], float]) -> float:
    """Return the transactions a second over all connections."""
    sign_ups = 40

    def work(connection_number: int) -> None:
        with app.app_context():
            for number in range(sign_ups):
                transaction(f"lane{connection_number}-{number}")

    threads = [threading.Thread(target=work, args=(connection_number,)) for connection_number in range(CONNECTIONS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return CONNECTIONS * sign_ups / (time.perf_counter() - start)
