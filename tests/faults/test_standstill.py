"""A worker with a thread that hangs: it logs the thread's stack and ends, so that systemd restarts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from campaign.config import ROOT
from tests.faults.fault_site import make_site
from tests.faults.smtp_script import Server

pytestmark = pytest.mark.slow

# `flask worker` in which the named loop hangs at its third turn, in a lock that is never released.
_HANGING_WORKER = """
import sys, threading
from campaign import worker
from campaign.services.delivery.dispatcher import Dispatcher

calls = []

def hanging(work):
    def work_or_hang(*positional, **named):
        calls.append(1)
        if len(calls) == 3:
            locked = threading.Lock()
            locked.acquire()
            locked.acquire()
        return work(*positional, **named)
    return work_or_hang

worker._MAX_ROUND_SECONDS = 6.0
match sys.argv.pop():
    case "deliver": Dispatcher.run_round = hanging(Dispatcher.run_round)
    case "requests": worker.answer_link_requests = hanging(worker.answer_link_requests)
    case "staff": worker.has_waiting_rows = hanging(worker.has_waiting_rows)
from flask.cli import main
main()
"""


def test_a_hanging_worker_ends_and_the_next_one_delivers(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with Server() as server:
        site = make_site("sqlite", server, tmp_path, request)
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", _HANGING_WORKER, "worker", loop],
                cwd=ROOT, env=site.environ, stderr=subprocess.PIPE, text=True,
            )
            for loop in ("deliver", "requests", "staff")
        ]  # fmt: skip
        try:
            ends = [(worker.communicate(timeout=60)[1], worker.returncode) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
        for log, status in ends:
            assert status == 1, log
            assert "Timeout (0:00:06)!" in log
            assert re.search(r'File "<string>", line \d+ in work_or_hang\n', log), log
        site.sign("one@mail.example")
        with site.workers():
            site.run_until(site.is_settled)
    assert [message.recipient for message in server.received] == ["one@mail.example"]


def run_with_watchdog(script: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a process that has a watchdog of three seconds, and two loops to watch."""
    loops = """
import threading, time
from campaign.platform.process.watchdog import Watchdog
watchdog = Watchdog(3.0)
def take_turns(turns, turning):
    for _ in range(turns):
        time.sleep(0.1)
        turning()
def fail(turning):
    raise ValueError("unexpected")
"""
    command = [sys.executable, "-c", loops + script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_the_watchdog_ignores_loops_that_turn_or_have_returned() -> None:
    ended = run_with_watchdog("watchdog.run_watched(take_turns, 40); time.sleep(4); print('ended')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")


def test_a_loop_that_raises_ends_the_process() -> None:
    ended = run_with_watchdog(
        "threading.Thread(target=watchdog.run_watched, args=(fail,)).start(); watchdog.run_watched(take_turns, 99)"
    )
    assert ended.returncode == 1
    assert "unexpected" in ended.stderr
    assert "Timeout (0:00:03)!" in ended.stderr
