"""A worker with a thread that hangs: it logs where, and ends, so that its service starts it again."""

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

# `flask worker`, but that the loop named stops for ever at its third turn, in a lock that nobody gives back.
_STANDING_STILL = """
import sys, threading
from campaign import worker
from campaign.services.delivery.dispatcher import Dispatcher

calls, turn, answer, wait = [], Dispatcher.turn, worker.answer_link_requests, worker.has_waiting_rows

def stand_still_in(work):
    def run(*given, **named):
        calls.append(1)
        if len(calls) == 3:
            locked = threading.Lock()
            locked.acquire()
            locked.acquire()
        return work(*given, **named)
    return run

worker._SILENCE_SECONDS = 6.0
match sys.argv.pop():
    case "deliver": Dispatcher.turn = stand_still_in(turn)
    case "mind": worker.answer_link_requests = stand_still_in(answer)
    case "staff": worker.has_waiting_rows = stand_still_in(wait)
from flask.cli import main
main()
"""


def test_a_worker_that_stands_still_ends_and_the_next_one_goes_on(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with Server() as server:
        site = make_site("sqlite", server, tmp_path, request)
        standing = [
            subprocess.Popen(
                [sys.executable, "-c", _STANDING_STILL, "worker", loop],
                cwd=ROOT, env=site.environ, stderr=subprocess.PIPE, text=True,
            )
            for loop in ("deliver", "mind", "staff")
        ]  # fmt: skip
        try:
            ends = [(worker.communicate(timeout=60)[1], worker.returncode) for worker in standing]
        finally:
            for worker in standing:
                worker.kill()
        for said, status in ends:
            assert status == 1, said
            assert "Timeout (0:00:06)!" in said
            assert re.search(r'File "<string>", line \d+ in run\n', said), said
        site.sign("one@mail.example")
        with site.workers():
            site.run_until(site.is_settled)
    assert [one.recipient for one in server.received] == ["one@mail.example"]


def _watch(script: str) -> subprocess.CompletedProcess[str]:
    """Runs it with a watchdog of three seconds, and what it may watch."""
    before = """
import threading, time
from campaign.platform.process.watchdog import Watchdog
watchdog = Watchdog(3.0)
def turn(rounds, turning):
    for _ in range(rounds):
        time.sleep(0.1)
        turning()
def break_off(turning):
    raise ValueError("nobody foresaw this")
"""
    command = [sys.executable, "-c", before + script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_loop_that_turns_is_left_alone_and_one_that_is_over_too() -> None:
    ended = _watch("watchdog.run_watched(turn, 40); time.sleep(4); print('whole')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "whole\n", "")


def test_a_loop_that_breaks_ends_the_others() -> None:
    ended = _watch(
        "threading.Thread(target=watchdog.run_watched, args=(break_off,)).start(); watchdog.run_watched(turn, 99)"
    )
    assert ended.returncode == 1
    assert "nobody foresaw this" in ended.stderr
    assert "Timeout (0:00:03)!" in ended.stderr
