"""The record case times a hundred, simulated: the processes and databases that carry it, from measured service times.

2,000 signatures a minute took a parliament's petition site down. A hundred times that is 3,333 a second. Two stations
in a row, each a queue with several servers (M/G/c, first come first served): the web processes, whose service time is
that of a sign-up through the whole application without its database, and the database's connections, whose service time
is that of the transaction, divided by the number that it runs side by side. Both are measured first, the web process as
it is while the limits are counted in Redis, which must be installed, and each signer sends a proof of work, because the
site asks for one under such a load.
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
from campaign.services.signing.sign import SignUpRequest, sign
from tests.deploy.processes import redis

RECORD = 2_000 / 60
TIMES = 100
SECONDS = 30
CONNECTIONS = 32
MOST_P99 = 1.0
SIGN_UPS, WARM_UP = 300, 50


def measure_suite() -> list[Row]:
    """Return the fewest servers of each station that keep the p99 under a second, for both crowds."""
    with bench_sites("record", ("postgresql",)) as (place,):
        app = place.make(10_000)
        transaction, side_by_side = _measure(app)
        usual = sorted(transaction)[len(transaction) // 2]
        without = _web(app, usual)
        with redis(place.folder) as limits:
            counting = place.app(TOCSIN_LIMITS_URL=limits, TOCSIN_PROXIES="1")
            counted = _web(counting, usual)
            asking = place.app(TOCSIN_LIMITS_URL=limits, TOCSIN_PROXIES="1", TOCSIN_CHALLENGE="always")
            web = _web(asking, usual, _proofs(asking))
        for one in (app, counting, asking):
            with one.app_context():
                db.engine.dispose()
    capacity = side_by_side / (sum(transaction) / len(transaction))
    rows = [
        *(
            Row("measured", f"sign-up without its database{how}", 1000 * sum(times) / len(times), 0, "ms", 0)
            for how, times in (("", without), (", limits", counted), (", limits and proof", web))
        ),
        Row("measured", "its transaction", 1000 * sum(transaction) / len(transaction), 0, "ms", 0),
        Row("measured", f"transactions, {CONNECTIONS} connections", capacity, 0, "1/s", 0),
    ]
    for times in (1, 10, TIMES):
        rate = RECORD * times
        rows += _needed(rate, times, web, transaction, side_by_side)
    return rows


def _needed(rate: float, times: int, web: list[float], transaction: list[float], side_by_side: float) -> list[Row]:
    databases = processes = 1
    while True:
        waited = simulate(rate, web, processes, transaction, max(1, round(databases * side_by_side)))
        p99 = sorted(waited)[int(len(waited) * 0.99)]
        if p99 <= MOST_P99:
            break
        # Add a server to the station that is fuller.
        if (
            rate * sum(web) / len(web) / processes
            > rate * sum(transaction) / len(transaction) / side_by_side / databases
        ):
            processes += 1
        else:
            databases += 1
    return [
        Row("simulated", f"record × {times}: web processes", processes, rate, "at 1/s", processes / rate),
        Row("simulated", f"record × {times}: databases like this", databases, rate, "at 1/s", databases / rate),
        Row("simulated", f"record × {times}: p99", p99 * 1000, MOST_P99 * 1000, "ms", p99 / MOST_P99, 1.0, True),
    ]


def simulate(rate: float, web: list[float], processes: int, transaction: list[float], connections: int) -> list[float]:
    """Return the seconds from arrival to answer of each sign-up that arrives within SECONDS, at random moments."""
    source = random.Random(7)  # noqa: S311  the same arrivals each time
    first, second = [0.0] * processes, [0.0] * connections
    now, waited = 0.0, []
    while now < SECONDS:
        now += source.expovariate(rate)
        through = max(now, first[0]) + source.choice(web)
        heapq.heapreplace(first, through)
        done = max(through, second[0]) + source.choice(transaction)
        heapq.heapreplace(second, done)
        waited.append(done - now)
    return waited


def _measure(app: Flask) -> tuple[list[float], float]:
    """Return the seconds of each sign-up's transaction, and how many the database runs side by side."""
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
        alone = [transaction(f"alone{number}") for number in range(SIGN_UPS)][WARM_UP:]
    return alone, _rate(app, transaction) * sorted(alone)[len(alone) // 2]


def _web(app: Flask, transaction: float, proofs: list[str] | None = None) -> list[float]:
    """Return the seconds of each sign-up in the application without its transaction, each from another network."""
    client, taken = app.test_client(), []
    for number in range(SIGN_UPS):
        form = {"name": "Jeanne Martin", "email": f"{id(app)}-{number}@mail.example", "country": "FR", "consent": "y"}
        if proofs is not None:
            form["proof"] = proofs[number]
        network = {"X-Forwarded-For": f"198.{18 + number // 256}.{number % 256}.1"}
        start = time.perf_counter()
        status = client.post("/en/appeals/case-0/sign", data=form, headers=network).status_code
        if status != 303:
            raise SystemExit(f"bench: sign-up {number} was answered {status}")
        taken.append(max(0.0002, time.perf_counter() - start - transaction))
    return taken[WARM_UP:]


def _proofs(app: Flask) -> list[str]:
    """Solve that many puzzles side by side, as the supporters' browsers would."""
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
    each = 40

    def work(lane: int) -> None:
        with app.app_context():
            for number in range(each):
                transaction(f"lane{lane}-{number}")

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(CONNECTIONS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return CONNECTIONS * each / (time.perf_counter() - start)
