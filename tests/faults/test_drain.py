"""SIGTERM under load: web and workers finish what is under way and end by themselves, and nothing is half done."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from campaign.config import ROOT
from tests.attack import Figure
from tests.deploy.processes import flask, free_port, wait_for, web
from tests.faults.fault_site import WORKER, Site
from tests.faults.load_client import Crowd
from tests.faults.smtp_script import Say, Script

pytestmark = pytest.mark.slow


def start(site: Site, command: list[str]) -> subprocess.Popen[bytes]:
    """Start the command as a process that writes into the site's log."""
    with (site.folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT, env=site.environ, stdout=log, stderr=log,
        )  # fmt: skip


def test_the_web_answers_all_that_it_has_taken_and_ends(site: Site, figure: Figure) -> None:
    port = free_port()
    site.environ |= {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    process = start(site, [*web(port, workers=2), "--preload"])
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=240)
        crowd = Crowd(port)
        with crowd.signing(8):
            while crowd.statuses()[303] < 50:
                time.sleep(0.02)
            told_at = time.monotonic()
            process.terminate()
            # gunicorn gives what is under way 30 seconds; on a free machine it takes one.
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert set(crowd.statuses()) <= {303, 0}
    # Requests that began well before were answered; later ones are refused, and a proxy tries elsewhere.
    assert [one for one in crowd.answers if one.status == 0 and one.began_at < told_at - 0.5] == []
    figure("10 faults: SIGTERM to the web under load: acknowledged signatures lost", len(crowd.lost(site)), "0")
    assert crowd.lost(site) == []
    assert "all counts are exact" in flask(site.environ, "tally", "verify")


class Slow(Script):
    """A server that delays the answer to each message."""

    def dot(self, recipient: str, content: bytes) -> Say:
        return Say("250 ok", pause=0.4)


def test_a_worker_finishes_the_mails_under_way_and_hands_back_the_others(
    site: Site, tmp_path: Path, figure: Figure
) -> None:
    site.server.script = Slow()
    site.sign(*(f"one{number}@d{number % 9}.example" for number in range(60)))
    process = start(site, WORKER)
    try:
        site.run_until(lambda: len(site.server.received) >= 5)
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    states = site.states()
    assert set(states) <= {"sent", "queued"}, states  # nothing is in doubt, nothing waits for a lease to end
    assert states["sent"] == len(site.server.received) < 60
    with site.workers(2):
        site.run_until(site.is_settled)
    twice = sum(len(same) > 1 for same in site.server.copies().values())
    figure("10 faults: SIGTERM to a worker: mails lost or sent twice, of 60", 60 - site.states()["sent"] + twice, "0")
    assert site.states() == {"sent": 60}
    assert {len(same) for same in site.server.copies().values()} == {1}
