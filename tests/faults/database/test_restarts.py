"""PostgreSQL restarted under load, cleanly and by a crash in turn: only 503 with Retry-After, soon over, nothing lost.

Three times in `make test`, twenty times in `make faults` and `make attack`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from campaign.platform import db
from tests.attack import IS_ATTACK, Figure
from tests.conftest import make_database
from tests.deploy.processes import flask, free_port, running, wait_for, web
from tests.faults.fault_site import WORKER, make_site
from tests.faults.load_client import Crowd
from tests.faults.smtp_script import Server
from tests.postgresql import PostgresServer, control

RESTARTS = int(os.environ.get("FAULTS_RESTARTS", "20" if IS_ATTACK else "3"))

pytestmark = pytest.mark.slow


def test_restarts_of_the_database_cost_a_moment_and_no_signature(
    own_server: PostgresServer, server: Server, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    port = free_port()
    url = make_database(own_server.get_uri(), "restarts")
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    site = make_site("postgresql", server, tmp_path, request, url=url, **more)
    with site.app.app_context():
        db.engine.dispose()
    crowd, waits = Crowd(port), []
    with running(site.environ, [[*web(port, workers=2), "--preload"], WORKER], tmp_path / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=240)
        with crowd.signing():
            crowd.first_taken_after(time.monotonic())
            for number in range(RESTARTS):
                control(own_server, ("fast", "immediate")[number % 2], "restart")
                waits.append(crowd.first_taken_after(time.monotonic()))
        with site.app.app_context():
            db.engine.dispose()
        site.run_until(site.is_settled, seconds=120, step=60, pause=1.5)
        assert [process.poll() for process in processes] == [None, None]
    others = set(crowd.statuses()) - {303, 503}
    figure(
        f"10 faults: {RESTARTS} restarts of PostgreSQL under load: the longest until taken again",
        f"{max(waits):.1f} s",
        "≤ 10 s",
    )
    figure("10 faults: answers but 303 and 503 meanwhile", sum(crowd.statuses()[one] for one in others), "0")
    figure("10 faults: acknowledged signatures lost", len(crowd.lost(site)), "0")
    assert max(waits) <= 10, waits
    assert set(crowd.statuses()) == {303, 503}, crowd.statuses()
    assert {one.retry_after for one in crowd.answers if one.status == 503} == {"5"}
    assert crowd.lost(site) == []
    arrived = {one.recipient for one in server.received}
    assert {one.email for one in crowd.answers if one.status == 303} <= arrived
    assert "all counts are exact" in flask(site.environ, "tally", "verify")
