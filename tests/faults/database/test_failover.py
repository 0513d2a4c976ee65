"""A PostgreSQL with a standby: the standby is gone while commits wait for it, or it takes the primary's place."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from campaign import tasks
from campaign.platform import db, huey
from tests.conftest import form, make_database
from tests.deploy.processes import flask, free_port, running, wait_for, web
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.smtp_script import Server
from tests.postgresql import control, programs, start_server

pytestmark = pytest.mark.slow


class Pair:
    """A primary and its standby, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.primary = start_server(folder / "one", cleanup_mode=None)
        self.copy = folder / "two"
        # The server copies all that is in its folder, also what the wheel's package notes there as another user.
        (folder / "one" / ".handle_pids.json").chmod(0o644)
        self.copy.mkdir()
        shutil.chown(self.copy, self.primary.system_user or os.getlogin())
        self.copy.chmod(0o700)
        self._run(
            "pg_basebackup",
            "-h",
            str(self.socket),
            "-U",
            "postgres",
            "-D",
            str(self.copy),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        )
        (self.copy / ".s.PGSQL.5432.lock").unlink()  # the primary keeps its socket among its data
        self.start_standby()

    @property
    def socket(self) -> Path:
        """The folder of the primary's socket."""
        found = self.primary.get_postmaster_info().socket_dir
        assert found is not None
        return found

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs() / program), *arguments], check=True, user=self.primary.system_user, cwd="/", timeout=60
        )

    def start_standby(self) -> None:
        """Start it with a socket in its own folder."""
        self._run(
            "pg_ctl", "-w", "-D", str(self.copy), "-l", f"{self.copy}/log", "-o", f'-h "" -k {self.copy}', "start"
        )

    def stop_standby(self) -> None:
        """Stop it at once."""
        self._run("pg_ctl", "-w", "-D", str(self.copy), "-m", "immediate", "stop")

    def promote(self) -> None:
        """Make it the primary."""
        self._run("pg_ctl", "-w", "-D", str(self.copy), "promote")

    def ask(self, statement: str) -> None:
        """Say something to the primary."""
        with psycopg.connect(self.primary.get_uri(), autocommit=True) as admin:
            admin.execute(statement)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both run; whatever runs at the end is stopped."""
    made = Pair(tmp_path)
    yield made
    for stop in (made.stop_standby, lambda: control(made.primary, "immediate", "stop")):
        try:
            stop()
        except subprocess.CalledProcessError:
            continue


def ask(port: int, path: str, data: dict[str, str] | None = None) -> tuple[int, float, str | None]:
    """The status, the seconds it took, and when to come again."""
    body = urlencode(data).encode() if data else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    opener, began = urllib.request.build_opener(_NoRedirect), time.monotonic()
    try:
        with opener.open(request, timeout=40) as answer:
            return answer.status, time.monotonic() - began, None
    except urllib.error.HTTPError as error:
        return error.code, time.monotonic() - began, error.headers["Retry-After"]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: object) -> None:
        return None


def sign(port: int, name: str) -> tuple[int, float, str | None]:
    return ask(port, "/en/appeals/case/sign", form(email=f"{name}@mail.example"))


@pytest.fixture
def port() -> int:
    return free_port()


def site_on(pair: Pair, url: str, port: int, server: Server, folder: Path, request: pytest.FixtureRequest) -> Site:
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    site = make_site("postgresql", server, folder, request, url=url, **more)
    site.close()
    return site


def test_a_synchronous_standby_that_is_gone_costs_writers_a_503_and_readers_nothing(
    pair: Pair, port: int, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    site = site_on(pair, make_database(pair.primary.get_uri(), "pair"), port, server, tmp_path, request)
    with running(site.environ, [web(port), WORKER], tmp_path / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=120)
        pair.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        pair.ask("SELECT pg_reload_conf()")
        assert sign(port, "before")[0] == 303
        pair.stop_standby()
        with ThreadPoolExecutor(16) as pool:
            writers = [pool.submit(sign, port, f"during{number}") for number in range(12)]
            time.sleep(4)  # those beyond the kept threads have been told by now
            reads = [
                ask(port, path) for path in ("/healthz", "/en/appeals/case", "/healthz", "/api/v1/appeals/case") * 3
            ]
            answers = [writer.result() for writer in writers]
        assert {status for status, *_ in answers} == {503}, answers
        assert {retry_after for *_, retry_after in answers} == {"5"}, answers
        assert max(seconds for _, seconds, _ in answers) < 15, answers
        assert {status for status, *_ in reads} == {200}, reads
        assert max(seconds for _, seconds, _ in reads) < 1.5, reads
        assert ask(port, "/readyz")[1] < 5
        with psycopg.connect(pair.primary.get_uri()) as admin:
            waiting = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchone()
        assert waiting is not None
        assert waiting[0] <= 4, "what was given up does not keep a connection of the server"
        pair.start_standby()
        end = time.monotonic() + 30
        while sign(port, "after")[0] != 303:
            assert time.monotonic() < end
            time.sleep(0.5)
        site.run_until(site.is_settled, seconds=90, step=60)
        assert [process.poll() for process in processes] == [None, None]
    assert "after@mail.example" in {one.recipient for one in server.received}
    assert "all counts are exact" in flask(site.environ, "tally", "verify")


@pytest.mark.parametrize("form_of_url", ["in front", "behind", "each"])
def test_the_standby_takes_over_for_web_worker_and_queue(
    pair: Pair, port: int, server: Server, tmp_path: Path, request: pytest.FixtureRequest, form_of_url: str
) -> None:
    make_database(pair.primary.get_uri(), "pair")
    first, second = (str(folder).replace("/", "%2F") for folder in (pair.socket, pair.copy))
    url = {
        "in front": f"postgresql://pair@{first}:5432,{second}:5432/pair",
        "behind": f"postgresql://pair@/pair?host={pair.socket},{pair.copy}&target_session_attrs=read-write",
        "each": f"postgresql://pair@/pair?host={pair.copy}&host={pair.socket}",
    }[form_of_url]
    site = site_on(pair, url, port, server, tmp_path, request)
    with running(site.environ, [web(port), WORKER], tmp_path / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=120)
        assert sign(port, "before")[0] == 303
        site.run_until(site.is_settled)
        control(pair.primary, "immediate", "stop")
        pair.promote()
        end = time.monotonic() + 30
        while sign(port, "after")[0] != 303:
            assert time.monotonic() < end, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.5)
        site.close()
        site.run_until(site.is_settled, seconds=60)
        with site.app.app_context():
            tasks.start_handover(1)  # there is none, so the task ends at once
            site.run_until(lambda: huey.storage.queue_size() == 0, seconds=30)
            db.session.remove()
        assert [process.poll() for process in processes] == [None, None]
    statuses = Counter(one.recipient for one in server.received)
    assert statuses["before@mail.example"] == 1
    assert statuses["after@mail.example"] >= 1
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_server_that_stands_still_costs_a_503(
    pair: Pair, port: int, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """All its processes stopped, as on a machine that swaps: reading is not possible either, but the web lives."""
    site = site_on(pair, make_database(pair.primary.get_uri(), "pair"), port, server, tmp_path, request)
    with running(site.environ, [web(port)], tmp_path / "log"):
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=120)
        assert sign(port, "before")[0] == 303
        process = pair.primary.get_postmaster_info().process
        assert process is not None
        family = [process, *process.children()]
        for one in family:
            os.kill(one.pid, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(16) as pool:
                writers = [pool.submit(sign, port, f"during{number}") for number in range(8)]
                time.sleep(4)
                lives = [ask(port, "/healthz") for _ in range(5)]
                ready = ask(port, "/readyz")
                answers = [writer.result() for writer in writers]
        finally:
            for one in family:
                os.kill(one.pid, signal.SIGCONT)
        assert {status for status, *_ in answers} == {503}, answers
        assert max(seconds for _, seconds, _ in answers) < 25, answers
        assert {status for status, *_ in lives} == {200}
        assert max(seconds for _, seconds, _ in lives) < 1.5, lives
        assert (ready[0], ready[2]) == (503, "5")
        assert ready[1] < 8, ready
        end = time.monotonic() + 30
        while sign(port, "after")[0] != 303:
            assert time.monotonic() < end
            time.sleep(0.5)
