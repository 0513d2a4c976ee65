"""A worker that stands still: it logs each thread's stack and ends with a status of its own; systemd restarts it.

`make faults` ends 200 workers beside two busy programs (FAULTS_STANDSTILLS) and prints their statuses.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from campaign.config import ROOT
from campaign.platform.process.watchdog import STANDSTILL_STATUS
from tests.conftest import KEYS
from tests.deploy.processes import environment, flask, running, wait_until
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.smtp_script import Server

pytestmark = pytest.mark.slow

STANDSTILLS = int(os.environ.get("FAULTS_STANDSTILLS", "4"))
IS_LONG = "FAULTS_STANDSTILLS" in os.environ
LOOPS = ["_deliver_mail", "_answer_requests", "_work_for_staff", "interpreter"]

# `flask worker` in which the named loop hangs at its third round, in a lock that is never released, while two threads
# call functions without end. The "interpreter" hangs in a C function that has the interpreter's lock.
_HANGING_WORKER = """
import ctypes, sys, threading, time
from campaign import worker
from campaign.services.delivery.dispatcher import Dispatcher

calls = []

def call_deeper(depth):
    if depth:
        call_deeper(depth - 1)

def be_busy():
    while True:
        for _ in range(50):
            call_deeper(40)
        time.sleep(0.001)

def wait_for_ever():
    for _ in range(2):
        threading.Thread(target=be_busy, name="busy", daemon=True).start()
    locked = threading.Lock()
    locked.acquire()
    locked.acquire()

def hold_interpreter():
    ctypes.PyDLL(None).sleep(3600)

def hanging(work, hang=wait_for_ever):
    def work_or_hang(*positional, **named):
        calls.append(1)
        if len(calls) == 3:
            hang()
        return work(*positional, **named)
    return work_or_hang

worker._MAX_ROUND_SECONDS = 6.0
worker.POLL_SECONDS = 0.3
match sys.argv.pop():
    case "_deliver_mail": Dispatcher.run_round = hanging(Dispatcher.run_round)
    case "_answer_requests": worker.answer_link_requests = hanging(worker.answer_link_requests)
    case "_work_for_staff": worker.has_waiting_rows = hanging(worker.has_waiting_rows)
    case "interpreter": worker.has_waiting_rows = hanging(worker.has_waiting_rows, hold_interpreter)
from flask.cli import main
main()
"""


def own_database(site: Site) -> dict[str, str]:
    """Copy the database for a worker: on one SQLite, several may wait longer for its lock than a watchdog does."""
    copy = site.folder / f"copy-{secrets.token_hex(8)}.db"
    with closing(sqlite3.connect(site.folder / "faults.db")) as database:
        database.execute("VACUUM INTO ?", [str(copy)])
    return {"TOCSIN_DATABASE_URL": f"sqlite:///{copy}"}


def end_hanging_workers(site: Site, loops: list[str]) -> list[tuple[str, int, str]]:
    """Run a worker for each of the loops, in which that loop hangs; return loop, status and log of each."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _HANGING_WORKER, "worker", loop],
            cwd=ROOT, env={**site.environ, **(own_database(site) if number else {})}, stderr=subprocess.PIPE, text=True,
        )
        for number, loop in enumerate(loops)
    ]  # fmt: skip
    try:
        logs = [worker.communicate(timeout=120)[1] for worker in workers]
        return [(loop, worker.returncode, log) for loop, worker, log in zip(loops, workers, logs, strict=True)]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


@contextmanager
def busy_programs(number: int) -> Iterator[None]:
    """Run that many programs that do nothing but calculate."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def test_a_hanging_worker_ends_and_the_next_one_delivers(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server() as server:
        site = make_site("sqlite", server, tmp_path, request)
        ends: list[tuple[str, int, str]] = []
        with busy_programs(2 if IS_LONG else 0):
            while len(ends) < STANDSTILLS:
                ends += end_hanging_workers(site, LOOPS * 2 if IS_LONG else LOOPS)
        statuses = Counter(status for _, status, _ in ends)
        if IS_LONG:
            with capsys.disabled():
                print(f"\nstatuses of workers that stood still: {dict(statuses)}")  # noqa: T201
        assert set(statuses) == {STANDSTILL_STATUS}, ends
        for loop, _, log in ends:
            assert_says_where_it_stands(log, loop)
        site.sign("one@mail.example")
        with site.workers():
            site.run_until(site.is_settled)
    assert [message.recipient for message in server.received] == ["one@mail.example"]


def assert_says_where_it_stands(log: str, loop: str) -> None:
    """Check that the log names the function in which the loop hangs. An interpreter that hangs can say nothing."""
    if loop == "interpreter":
        assert "stood still" not in log
        return
    # On a busy machine another loop may be silent for as long: the first one that is ends the worker.
    assert re.search(r"^_\w+ has stood still for 6 s; the process ends with status 14$", log, re.MULTILINE), log
    thread = "MainThread" if loop == "_deliver_mail" else loop
    stack = re.search(rf'^Thread "{thread}" .*\n((?:  File .*\n)+)', log, re.MULTILINE)
    assert stack is not None, log
    assert re.match(r'  File "<string>", line \d+ in wait_for_ever\n.* in work_or_hang\n', stack[1]), log
    assert len(re.findall(r'^Thread "busy" ', log, re.MULTILINE)) == 2, log


_WATCHED = """
import ctypes, os, signal, threading, time
from contextlib import suppress
from campaign.platform.process.watchdog import Watchdog
def take_turns(turns, turning):
    for _ in range(turns):
        time.sleep(0.02)
        turning()
def fail(turning):
    raise ValueError("unexpected")
def stop_interpreter(turning):
    ctypes.PyDLL(None).sleep(3600)
def fill_log():
    os.dup2(os.pipe()[1], 2)
    os.set_blocking(2, False)
    with suppress(BlockingIOError):
        while True:
            os.write(2, bytes(65536))
    os.set_blocking(2, True)
def watch_in_thread(*loop):
    threading.Thread(target=watchdog.run_watched, args=loop, name="other").start()
"""


def run_with_watchdog(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a process that can watch loops, and end it after ten seconds. Its watchdog waits for one."""
    return subprocess.run(
        [sys.executable, "-c", f"{_WATCHED}with Watchdog(1.0) as watchdog:\n    {script}\nprint('ended')"],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip


def test_the_watchdog_ignores_loops_that_turn_or_have_returned() -> None:
    ended = run_with_watchdog("watchdog.run_watched(take_turns, 60); time.sleep(1.2)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")


def test_nothing_ends_a_process_that_is_no_longer_watched() -> None:
    ended = run_with_watchdog("watchdog.run_watched(take_turns, 2)\nctypes.PyDLL(None).usleep(1_500_000)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")


def test_a_loop_that_raises_ends_the_process() -> None:
    ended = run_with_watchdog("watch_in_thread(fail); watchdog.run_watched(take_turns, 999)")
    assert (ended.returncode, ended.stdout) == (STANDSTILL_STATUS, "")
    assert "unexpected" in ended.stderr
    assert "fail has stood still for 1 s" in ended.stderr
    assert re.search(
        r'^Thread "MainThread" .*\n  File "<string>", line \d+ in take_turns\n', ended.stderr, re.MULTILINE
    )


def test_an_interpreter_that_stands_still_ends_without_a_word() -> None:
    ended = run_with_watchdog("watch_in_thread(stop_interpreter); watchdog.run_watched(take_turns, 999)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (STANDSTILL_STATUS, "", "")


def test_a_log_that_takes_nothing_does_not_keep_the_process() -> None:
    ended = run_with_watchdog("fill_log(); watch_in_thread(fail); watchdog.run_watched(take_turns, 999)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (STANDSTILL_STATUS, "", "")


@contextmanager
def notices() -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """Yield a socket on which systemd would listen, and the environment in which it starts a service."""
    name = f"tocsin-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.settimeout(60)
        yield listener, {"NOTIFY_SOCKET": f"@{name}"}


def receive_until(listener: socket.socket, notice: bytes) -> list[bytes]:
    """Return what systemd would receive until this notice, and that one too."""
    received = [listener.recv(1000)]
    while received[-1] != notice:
        received.append(listener.recv(1000))
    return received


def test_systemd_hears_of_a_process_that_runs_and_nothing_of_one_that_stands_still() -> None:
    """SIGALRM is blocked in the process, so that only systemd can end it."""
    script = _WATCHED + "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
    script += "with Watchdog(1.0) as watchdog:\n    watchdog.run_watched(take_turns, 20); stop_interpreter(None)"
    with notices() as (listener, environ):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **environ})
        try:
            assert {listener.recv(1000) for _ in range(10)} == {b"WATCHDOG=1"}
            listener.settimeout(1.5)
            wait_until(lambda: hears_nothing(listener))
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()


def hears_nothing(listener: socket.socket) -> bool:
    """Return whether no notice comes within the listener's time."""
    try:
        listener.recv(1000)
    except TimeoutError:
        return True
    return False


def test_systemd_hears_that_a_worker_is_ready_when_its_database_is(tmp_path: Path) -> None:
    with Server() as server, notices() as (listener, socket_environ):
        settings = {"TOCSIN_DATABASE_URL": f"sqlite:///{tmp_path}/empty.db", "TOCSIN_MAIL_FROM": "act@tocsin.example"}
        mail_url = f"smtp://127.0.0.1:{server.port}"
        environ = environment(**KEYS, **settings, **socket_environ, TOCSIN_MAIL_URL=mail_url)
        with running(environ, [WORKER], tmp_path / "log"):
            assert {listener.recv(1000) for _ in range(3)} == {b"WATCHDOG=1"}
            assert "waiting: " in (tmp_path / "log").read_text()
            flask(environ, "db", "upgrade")
            receive_until(listener, b"READY=1")
            assert receive_until(listener, b"WATCHDOG=1") == [b"WATCHDOG=1"]
        assert b"READY=1" not in receive_until(listener, b"STOPPING=1")
