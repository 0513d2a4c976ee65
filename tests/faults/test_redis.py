"""Redis that hangs or is away: sign-ups do not wait, each process enforces the limits, few lines are logged.

Where Redis is the queue of jobs, no request waits for it, mail is sent and `/readyz` reports that no periodic job runs.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from flask import Flask
from huey.storage import RedisStorage
from sqlalchemy import func, select

from campaign.models import PeriodicRun
from campaign.platform import db, huey
from campaign.platform.limits.redis_pool import pausing_pool
from campaign.tasks import start_handover
from tests.attack import Figure
from tests.conftest import form, make_database
from tests.deploy.processes import free_port, redis, running, timed_request, wait_for, wait_until, web
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.smtp_script import Server

pytestmark = pytest.mark.slow


def timed_sign_up(port: int, number: int) -> tuple[int, float]:
    """Send the sign-up of the supporter with that number; return the status and the seconds until its answer."""
    fields = form(email=f"person{number}@mail{number}.example")
    body = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in fields.items()).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": f"198.51.{number}.7"}
    return timed_request(port, "/en/appeals/case/sign", body, **headers)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("sqlite", "hangs"),
        ("postgresql", "is away"),
        pytest.param("postgresql", "hangs", marks=pytest.mark.nightly),
        pytest.param("sqlite", "is away", marks=pytest.mark.nightly),
    ],
)
def test_sign_ups_continue_without_redis(
    kind: str, failure: str, server: Server, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    url = ""
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "faults_redis")
    log = tmp_path / "web.log"
    with redis(tmp_path) as limits_url:
        site = make_site(kind, server, tmp_path, request, url=url, TOCSIN_LIMITS_URL=limits_url, TOCSIN_PROXIES="1")
        port = free_port()
        with running(site.environ, [web(port)], log):
            wait_for(f"http://127.0.0.1:{port}/readyz")
            assert timed_sign_up(port, 1)[0] == 303
            pid = redis_process(limits_url)
            subprocess.run(["kill", f"-{signal.SIGSTOP if failure == 'hangs' else signal.SIGKILL}", pid], check=True)
            before = log.read_text().count("\n")
            try:
                answers = [timed_sign_up(port, number) for number in range(2, 42)]
                health = [timed_request(port) for _ in range(5)]
                flood = [timed_sign_up(port, 50)[0] for _ in range(65)]
            finally:
                subprocess.run(["kill", "-CONT", pid], check=failure == "hangs")
            lines = log.read_text().splitlines()[before:]
            if failure == "hangs":
                time.sleep(6)
                assert timed_sign_up(port, 60)[0] == 303
    assert {status for status, _ in answers} == {303}
    slowest = max(seconds for _, seconds in answers)
    figure(f"10 faults: Redis {failure}: the slowest of 40 sign-ups, s", round(slowest, 2), "3")
    assert slowest < 3
    assert sum(seconds > 0.25 for _, seconds in answers) <= 10, "most sign-ups do not wait"
    assert all(status == 200 and seconds < 0.5 for status, seconds in health)
    assert 429 in flood, "each process enforces the limits"
    assert len([line for line in lines if "limits' storage is away" in line]) == 1
    assert len(lines) <= 2, lines


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("sqlite", "hangs"),
        ("postgresql", "is away"),
        pytest.param("postgresql", "hangs", marks=pytest.mark.nightly),
        pytest.param("sqlite", "is away", marks=pytest.mark.nightly),
    ],
)
def test_a_worker_without_its_queue_is_reported(
    kind: str, failure: str, server: Server, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    log = tmp_path / "log"
    with redis(tmp_path) as queue_url:
        site = make_site(kind, server, tmp_path, request, TOCSIN_QUEUE_URL=queue_url)
        port = free_port()
        ready = f"http://127.0.0.1:{port}/readyz"
        with running(site.environ, [web(port), WORKER], log):
            wait_for(ready)
            wait_until(lambda: claimed_runs(site) > 0, 90)  # the jobs of the next minute went through the queue
            pid = redis_process(queue_url)
            subprocess.run(["kill", f"-{signal.SIGSTOP if failure == 'hangs' else signal.SIGKILL}", pid], check=True)
            before, failed_at = log.read_text().count("\n"), time.monotonic()
            try:
                wait_until(lambda: timed_request(port, "/readyz")[0] == 503, 60)
                reported_after = time.monotonic() - failed_at
                with pytest.raises(urllib.error.HTTPError) as error:
                    urllib.request.urlopen(ready, timeout=5)
                assert b"the queue of jobs is away" in error.value.read()
                assert (
                    b"tocsin_workers_troubled 1.0"
                    in urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
                )
                site.sign("signer@mail.example")
                wait_until(site.is_settled, 30)
                time.sleep(max(0.0, 30 - (time.monotonic() - failed_at)))
            finally:
                subprocess.run(["kill", "-CONT", pid], check=failure == "hangs")
            lines = log.read_text().splitlines()[before:]
            if failure == "hangs":
                wait_for(ready, 60)
    figure(f"10 faults: the queue's Redis {failure}: /readyz tells after, s", round(reported_after, 1), "20")
    assert reported_after < 20
    assert [message.recipient for message in server.received] == ["signer@mail.example"]
    assert 1 <= len([line for line in lines if "the queue of jobs is away" in line]) <= 2
    assert len(lines) <= 4, lines


def test_no_request_waits_for_a_hanging_queue(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        pool = pausing_pool(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0")
        monkeypatch.setattr(huey, "storage", RedisStorage("tocsin", blocking=False, connection_pool=pool))
        seconds = []
        for _ in range(4):
            began = time.monotonic()
            start_handover(1)
            seconds.append(time.monotonic() - began)
    assert seconds[0] < 1
    assert max(seconds[1:]) < 0.1


def claimed_runs(site: Site) -> int:
    """Return the number of claimed runs of periodic jobs."""
    with site.app.app_context():
        number = db.session.scalar(select(func.count()).select_from(PeriodicRun)) or 0
        db.session.remove()
    return number


def redis_process(url: str) -> str:
    """Return the process id of the server at that address."""
    port = url.rpartition(":")[2].partition("/")[0]
    listing = subprocess.run(["pgrep", "-f", f"redis-server.*:{port}"], capture_output=True, text=True, check=True)
    return listing.stdout.split()[0]
