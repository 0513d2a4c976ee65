"""SIGTERM under load: web server and workers finish the work under way and end by themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.attack import Figure
from tests.deploy.forked_process import ForkedProcess
from tests.deploy.processes import flask, free_port, wait_for, web
from tests.faults.fault_site import WORKER, Site
from tests.faults.load_client import LoadClient
from tests.faults.smtp_script import Reply, Script

pytestmark = pytest.mark.slow


def start_process(site: Site, command: list[str]) -> ForkedProcess:
    """Start the command as a process that writes into the site's log."""
    return ForkedProcess(command, site.environ, site.folder / "log", site.folder / "log")


@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
def test_a_terminated_web_server_answers_the_requests_under_way(site: Site, figure: Figure) -> None:
    port = free_port()
    site.environ |= {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    process = start_process(site, [*web(port, workers=2), "--preload"])
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=240)
        client = LoadClient(port)
        with client.signing(8):
            while client.statuses()[303] < 50:
                time.sleep(0.02)
            terminated_at = time.monotonic()
            process.terminate()
            # gunicorn gives the requests under way 30 seconds; on an idle machine they take one.
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert set(client.statuses()) <= {303, 0}
    # Requests that began well before SIGTERM were answered. Later ones are refused; a proxy tries another server.
    assert [answer for answer in client.answers if answer.status == 0 and answer.began_at < terminated_at - 0.5] == []
    figure(
        "10 faults: SIGTERM to the web under load: acknowledged signatures lost", len(client.lost_addresses(site)), "0"
    )
    assert client.lost_addresses(site) == []
    assert "all counts are exact" in flask(site.environ, "tally", "verify")


class Slow(Script):
    """A server that delays the answer to each message."""

    def dot(self, recipient: str, content: bytes) -> Reply:
        return Reply("250 ok", pause=0.4)


@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
def test_a_terminated_worker_finishes_the_mails_under_way_and_releases_the_others(
    site: Site, tmp_path: Path, figure: Figure
) -> None:
    site.server.script = Slow()
    site.sign(*(f"one{number}@d{number % 9}.example" for number in range(60)))
    process = start_process(site, WORKER)
    try:
        site.run_until(lambda: len(site.server.received) >= 5)
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    states = site.states()
    assert set(states) <= {"sent", "queued"}, states  # no mail is in doubt, and none waits for a lease to end
    assert states["sent"] == len(site.server.received) < 60
    with site.workers(2):
        site.run_until(site.is_settled)
    duplicates = sum(len(copies) > 1 for copies in site.server.copies().values())
    figure(
        "10 faults: SIGTERM to a worker: mails lost or sent twice, of 60", 60 - site.states()["sent"] + duplicates, "0"
    )
    assert site.states() == {"sent": 60}
    assert {len(copies) for copies in site.server.copies().values()} == {1}
