"""A worker that cannot work: it logs the reason, then waits or ends; `/readyz` reports it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest
from flask_migrate import upgrade
from sqlalchemy import func, select

from campaign.config import ROOT
from campaign.factory import create_app
from campaign.models import Appeal, Mail
from campaign.platform import db
from tests.conftest import KEYS, make_database, settings_for
from tests.deploy.processes import environment, free_port, running, web
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.smtp_script import Server
from tests.postgresql import PostgresServer, control

pytestmark = pytest.mark.slow

# `flask worker` with a statement that the database does not support, such as min(bytea) before PostgreSQL 18.
_WORKER_WITH_WRONG_STATEMENT = """
from sqlalchemy import text
from campaign.services.delivery import claim
claim.NEXT_DOMAINS = text("SELECT no_such_function(:after, :domains, :now)")
from flask.cli import main
main()
"""


# `flask worker` on a machine whose clock is 100 days ahead; it runs the hourly jobs every second.
_WORKER_WITH_WRONG_CLOCK = """
from datetime import UTC, datetime, timedelta
from functools import partial
from campaign import factory, tasks, worker
factory.create_app = partial(factory.create_app, clock=lambda: datetime.now(UTC) + timedelta(days=100))
answer_requests = worker._answer_requests
def every_job(app, stop, heartbeat):
    for job in (tasks.close_expired_appeals, tasks.purge_personal_data, tasks.send_reminders):
        job()
    answer_requests(app, stop, heartbeat)
every_job.__name__ = "_answer_requests"
worker._answer_requests = every_job
from flask.cli import main
main()
"""


def readiness(site: Site) -> tuple[int, str]:
    answer = site.app.test_client().get("/readyz")
    return answer.status_code, answer.text


def metrics(site: Site) -> dict[str, float]:
    site.app.extensions["tocsin_metrics"]._until = 0.0
    lines = site.app.test_client().get("/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_a_wrong_statement_ends_the_worker_and_is_not_reported_as_a_database_away(site: Site) -> None:
    site.sign("one@mail.example")
    assert readiness(site) == (200, "ready\n"), "no worker has run yet, and nothing is wrong"
    command = [sys.executable, "-c", _WORKER_WITH_WRONG_STATEMENT, "worker"]
    for _ in range(2):
        ended = subprocess.run(
            command, cwd=ROOT, env=site.environ, capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 1, ended.stderr
        assert "the database is away" not in ended.stderr
        assert "a statement of ours is wrong" in ended.stderr
        assert "no_such_function" in ended.stderr
    status, text = readiness(site)
    assert status == 503
    assert "no worker gets anything done" in text
    assert "no_such_function" in text
    assert metrics(site)["tocsin_workers"] == 0
    assert metrics(site)["tocsin_worker_failures"] == 2
    with site.workers():
        site.run_until(site.is_settled)
        site.run_until(lambda: readiness(site)[0] == 200, seconds=30)
        assert metrics(site)["tocsin_workers"] == 1
        assert metrics(site)["tocsin_worker_failures"] == 2, "earlier failures stay counted"


def test_a_worker_with_a_wrong_clock_deletes_nothing_and_is_reported(site: Site) -> None:
    site.sign(*(f"{number}@mail.example" for number in range(20)))
    log = site.folder / "ahead"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER_WITH_WRONG_CLOCK, "worker"],
            cwd=ROOT,
            env=site.environ,
            stdout=output,
            stderr=output,
        )
        try:
            site.run_until(lambda: readiness(site)[0] == 503, seconds=60)
            assert "this machine's clock says" in readiness(site)[1]
            site.run_until(site.is_settled)
        finally:
            process.terminate()
            process.wait(30)
    assert "purge-expired is not done: this machine's clock says" in log.read_text()
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 20
        assert set(db.session.scalars(select(Appeal.state))) == {"open"}
        db.session.remove()
    assert sorted(message.recipient for message in site.server.received) == sorted(
        f"{number}@mail.example" for number in range(20)
    )
    assert readiness(site) == (200, "ready\n")


def test_a_worker_that_was_stopped_is_not_reported(site: Site) -> None:
    with site.workers():
        site.run_until(lambda: metrics(site)["tocsin_workers"] == 1, seconds=30)
    assert metrics(site)["tocsin_workers"] == 0
    assert readiness(site) == (200, "ready\n")


def test_an_erasure_journal_that_cannot_be_written_is_reported(site: Site) -> None:
    folder = site.folder / "journal"
    folder.write_text("a file where the folder should be")
    with site.workers(TOCSIN_ERASURE_JOURNAL=str(folder)):
        site.run_until(lambda: readiness(site)[0] == 503, seconds=30)
        assert f"who left cannot be written to {folder}" in readiness(site)[1]
        assert metrics(site)["tocsin_workers_troubled"] == 1
        folder.unlink()
        site.run_until(lambda: readiness(site)[0] == 200, seconds=30)
        assert list(folder.iterdir()) == []


def test_a_worker_waits_for_the_schema(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Wait for the schema on an empty file: log what to do, and continue once the schema exists."""
    url, log = f"sqlite:///{tmp_path}/new.db", tmp_path / "log"
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=url, TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{server.port}")
    with running(environ, [WORKER], log) as processes:
        end = time.monotonic() + 30
        while "waiting: the database is at migration None" not in log.read_text():
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        assert processes[0].poll() is None
        site = make_site("sqlite", server, tmp_path, request, url=url)
        site.sign("one@mail.example")
        site.run_until(site.is_settled)
        assert processes[0].poll() is None
    assert log.read_text().count("is at migration None") == 1


def test_a_worker_waits_for_a_database_that_is_not_there_yet(
    own_server: PostgresServer, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = make_database(own_server.get_uri(), "late")
    site = make_site("postgresql", server, tmp_path, request, url=url)
    site.sign("one@mail.example")
    site.close()
    control(own_server, "fast", "stop")
    log = tmp_path / "log"
    with running(site.environ, [WORKER], log) as processes:
        line = "WARNING campaign.worker: waiting: the database is away (08001)"
        end = time.monotonic() + 60
        while line not in log.read_text() and time.monotonic() < end:
            time.sleep(0.3)
        time.sleep(5)
        assert line in log.read_text()
        assert processes[0].poll() is None, log.read_text()
        control(own_server, "fast", "start")
        site.run_until(site.is_settled)
    assert [message.recipient for message in server.received] == ["one@mail.example"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("role", r"unknown role.* \(28000\)"),
        ("database", r"no database of that name \(3D000\)"),
        ("connections", r"too many connections \(53300\)"),
        ("password", r"wrong password \(28P01\)"),
    ],
)
def test_a_database_that_refuses_is_not_reported_as_away(
    own_server: PostgresServer, tmp_path: Path, wrong: str, reason: str
) -> None:
    """Log time, level and SQLSTATE of a refusal; supporters get a 503 with Retry-After as when it is away."""
    url = make_database(own_server.get_uri(), "refuses")
    app = create_app(settings_for(url, tmp_path))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        db.engine.dispose()
    if wrong == "role":
        url = url.replace("refuses:@", "nobody:@")
    elif wrong == "database":
        url = url.replace("/refuses?", "/nothing?")
    elif wrong == "connections":
        with psycopg.connect(own_server.get_uri(), autocommit=True) as admin:
            admin.execute("ALTER ROLE refuses CONNECTION LIMIT 0")
    else:
        with psycopg.connect(own_server.get_uri(), autocommit=True) as admin:
            admin.execute("ALTER ROLE refuses PASSWORD 'another'")
            rules = own_server.pgdata / "pg_hba.conf"
            rules.write_text("local all refuses scram-sha-256\n" + rules.read_text())
            admin.execute("SELECT pg_reload_conf()")
        url = url.replace("refuses:@", "refuses:guessed@")
    log, port = tmp_path / "log", free_port()
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=url)
    with running(environ, [web(port)], log):
        end = time.monotonic() + 60
        status = 0
        while status != 503:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/fr/", timeout=5) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status, retry_after = error.code, error.headers["Retry-After"]
            except OSError:
                continue
    assert retry_after == "5"
    moment, logger = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+", r"campaign\.web\.http\.errors"
    line = rf"(?m)^{moment} ERROR {logger}: the database refuses us: .*{reason}"
    assert re.search(line, log.read_text()), log.read_text()
    assert "the database is away" not in log.read_text()
