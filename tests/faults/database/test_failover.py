"""A PostgreSQL with a standby: the standby fails while commits wait for it, or it takes over from the primary."""

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
from tests.deploy.processes import OPENER, flask, free_port, running, wait_for, web
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.smtp_script import Server
from tests.postgresql import control, programs, start_server

pytestmark = pytest.mark.slow


class PrimaryWithStandby:
    """A primary server and its standby, each in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.primary = start_server(folder / "one", cleanup_mode=None)
        self.standby_folder = folder / "two"
        # The server copies every file in its folder, also one that the wheel's package writes there as another user.
        (folder / "one" / ".handle_pids.json").chmod(0o644)
        self.standby_folder.mkdir()
        shutil.chown(self.standby_folder, self.primary.system_user or os.getlogin())
        self.standby_folder.chmod(0o700)
        self._run(
            "pg_basebackup",
            "-h",
            str(self.socket),
            "-U",
            "postgres",
            "-D",
            str(self.standby_folder),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        )
        (self.standby_folder / ".s.PGSQL.5432.lock").unlink()  # the primary keeps its socket among its data
        self.start_standby()

    @property
    def socket(self) -> Path:
        """Return the folder of the primary's socket."""
        folder = self.primary.get_postmaster_info().socket_dir
        assert folder is not None
        return folder

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs() / program), *arguments], check=True, user=self.primary.system_user, cwd="/", timeout=60
        )

    def start_standby(self) -> None:
        """Start the standby with a socket in its own folder."""
        self._run(
            "pg_ctl",
            "-w",
            "-D",
            str(self.standby_folder),
            "-l",
            f"{self.standby_folder}/log",
            "-o",
            f'-h "" -k {self.standby_folder}',
            "start",
        )

    def stop_standby(self) -> None:
        """Stop the standby at once."""
        self._run("pg_ctl", "-w", "-D", str(self.standby_folder), "-m", "immediate", "stop")

    def promote(self) -> None:
        """Make the standby the primary."""
        self._run("pg_ctl", "-w", "-D", str(self.standby_folder), "promote")

    def execute(self, statement: str) -> None:
        """Execute a statement on the primary."""
        with psycopg.connect(self.primary.get_uri(), autocommit=True) as admin:
            admin.execute(statement)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[PrimaryWithStandby]:
    """Yield a running primary and standby; stop both afterwards."""
    servers = PrimaryWithStandby(tmp_path)
    yield servers
    for stop in (servers.stop_standby, lambda: control(servers.primary, "immediate", "stop")):
        try:
            stop()
        except subprocess.CalledProcessError:
            continue


def timed_answer(port: int, path: str, data: dict[str, str] | None = None) -> tuple[int, float, str | None]:
    """Send a request; return its status, the seconds until the answer, and Retry-After."""
    body = urlencode(data).encode() if data else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    began = time.monotonic()
    try:
        with OPENER.open(request, timeout=40) as answer:
            return answer.status, time.monotonic() - began, None
    except urllib.error.HTTPError as error:
        return error.code, time.monotonic() - began, error.headers["Retry-After"]


def timed_sign_up(port: int, name: str) -> tuple[int, float, str | None]:
    return timed_answer(port, "/en/appeals/case/sign", form(email=f"{name}@mail.example"))


@pytest.fixture
def port() -> int:
    return free_port()


def make_site_on(
    pair: PrimaryWithStandby, url: str, port: int, server: Server, folder: Path, request: pytest.FixtureRequest
) -> Site:
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    site = make_site("postgresql", server, folder, request, url=url, **more)
    site.close()
    return site


@pytest.mark.nightly
def test_without_its_synchronous_standby_writers_get_a_503_and_readers_a_page(
    pair: PrimaryWithStandby, port: int, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    site = make_site_on(pair, make_database(pair.primary.get_uri(), "pair"), port, server, tmp_path, request)
    with running(site.environ, [web(port), WORKER], tmp_path / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=120)
        pair.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        pair.execute("SELECT pg_reload_conf()")
        assert timed_sign_up(port, "before")[0] == 303
        pair.stop_standby()
        with ThreadPoolExecutor(16) as pool:
            writers = [pool.submit(timed_sign_up, port, f"during{number}") for number in range(12)]
            time.sleep(4)  # requests beyond the reserved threads have got their 503 by now
            reads = [
                timed_answer(port, path)
                for path in ("/healthz", "/en/appeals/case", "/healthz", "/api/v1/appeals/case") * 3
            ]
            answers = [writer.result() for writer in writers]
        assert {status for status, *_ in answers} == {503}, answers
        assert {retry_after for *_, retry_after in answers} == {"5"}, answers
        assert max(seconds for _, seconds, _ in answers) < 15, answers
        assert {status for status, *_ in reads} == {200}, reads
        assert max(seconds for _, seconds, _ in reads) < 1.5, reads
        assert timed_answer(port, "/readyz")[1] < 5
        with psycopg.connect(pair.primary.get_uri()) as admin:
            waiting = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchone()
        assert waiting is not None
        assert waiting[0] <= 4, "an abandoned request keeps no connection of the server"
        pair.start_standby()
        end = time.monotonic() + 30
        while timed_sign_up(port, "after")[0] != 303:
            assert time.monotonic() < end
            time.sleep(0.5)
        site.run_until(site.is_settled, seconds=90, step=60)
        assert [process.poll() for process in processes] == [None, None]
    assert "after@mail.example" in {message.recipient for message in server.received}
    assert "all counts are exact" in flask(site.environ, "tally", "verify")


@pytest.mark.parametrize(
    "form_of_url",
    [
        "as one parameter",
        *(pytest.param(form, marks=pytest.mark.nightly) for form in ("as authority", "as repeated parameters")),
    ],
)
def test_the_standby_takes_over_for_web_worker_and_queue(
    pair: PrimaryWithStandby,
    port: int,
    server: Server,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    form_of_url: str,
) -> None:
    make_database(pair.primary.get_uri(), "pair")
    first, second = (str(folder).replace("/", "%2F") for folder in (pair.socket, pair.standby_folder))
    url = {
        "as authority": f"postgresql://pair@{first}:5432,{second}:5432/pair",
        "as one parameter": f"postgresql://pair@/pair?host={pair.socket},{pair.standby_folder}&target_session_attrs=read-write",
        "as repeated parameters": f"postgresql://pair@/pair?host={pair.standby_folder}&host={pair.socket}",
    }[form_of_url]
    site = make_site_on(pair, url, port, server, tmp_path, request)
    with running(site.environ, [web(port), WORKER], tmp_path / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=120)
        assert timed_sign_up(port, "before")[0] == 303
        site.run_until(site.is_settled)
        control(pair.primary, "immediate", "stop")
        pair.promote()
        end = time.monotonic() + 30
        while timed_sign_up(port, "after")[0] != 303:
            assert time.monotonic() < end, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.5)
        site.close()
        site.run_until(site.is_settled, seconds=60)
        with site.app.app_context():
            tasks.start_handover(1)  # there is no such handover, so the task ends at once
            site.run_until(lambda: huey.storage.queue_size() == 0, seconds=30)
            db.session.remove()
        assert [process.poll() for process in processes] == [None, None]
    statuses = Counter(message.recipient for message in server.received)
    assert statuses["before@mail.example"] == 1
    assert statuses["after@mail.example"] >= 1
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.nightly
def test_while_the_server_is_frozen_requests_get_a_503(
    pair: PrimaryWithStandby, port: int, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Stop all processes of the server, as if the machine swapped: no page can be read, but the web server answers."""
    site = make_site_on(pair, make_database(pair.primary.get_uri(), "pair"), port, server, tmp_path, request)
    with running(site.environ, [web(port)], tmp_path / "log"):
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=120)
        assert timed_sign_up(port, "before")[0] == 303
        process = pair.primary.get_postmaster_info().process
        assert process is not None
        server_processes = [process, *process.children()]
        for server_process in server_processes:
            os.kill(server_process.pid, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(16) as pool:
                writers = [pool.submit(timed_sign_up, port, f"during{number}") for number in range(8)]
                time.sleep(4)
                health_checks = [timed_answer(port, "/healthz") for _ in range(5)]
                readiness = timed_answer(port, "/readyz")
                answers = [writer.result() for writer in writers]
        finally:
            for server_process in server_processes:
                os.kill(server_process.pid, signal.SIGCONT)
        assert {status for status, *_ in answers} == {503}, answers
        assert max(seconds for _, seconds, _ in answers) < 25, answers
        assert {status for status, *_ in health_checks} == {200}
        assert max(seconds for _, seconds, _ in health_checks) < 1.5, health_checks
        assert (readiness[0], readiness[2]) == (503, "5")
        assert readiness[1] < 8, readiness
        end = time.monotonic() + 30
        while timed_sign_up(port, "after")[0] != 303:
            assert time.monotonic() < end
            time.sleep(0.5)
