"""PostgreSQL restarted under load, by shutdown and by crash in turn: a 503 with Retry-After for seconds, no loss.

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
from tests.faults.load_client import LoadClient
from tests.faults.smtp_script import Server
from tests.postgresql import PostgresServer, control

RESTARTS = int(os.environ.get("FAULTS_RESTARTS", "20" if IS_ATTACK else "3"))

pytestmark = pytest.mark.slow


def test_restarts_of_the_database_lose_no_signature(
    own_server: PostgresServer, server: Server, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    port = free_port()
    url = make_database(own_server.get_uri(), "restarts")
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    site = make_site("postgresql", server, tmp_path, request, url=url, **more)
    with site.app.app_context():
        db.engine.dispose()
    client, outages = LoadClient(port), []
    with running(site.environ, [[*web(port, workers=2), "--preload"], WORKER], tmp_path / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=240)
        with client.signing():
            client.seconds_until_accepted(time.monotonic())
            for number in range(RESTARTS):
                control(own_server, ("fast", "immediate")[number % 2], "restart")
                outages.append(client.seconds_until_accepted(time.monotonic()))
        with site.app.app_context():
            db.engine.dispose()
        site.run_until(site.is_settled, seconds=120, step=60, pause=1.5)
        assert [process.poll() for process in processes] == [None, None]
    unexpected_statuses = set(client.statuses()) - {303, 503}
    figure(
        f"10 faults: {RESTARTS} restarts of PostgreSQL under load: the longest until taken again",
        f"{max(outages):.1f} s",
        "≤ 10 s",
    )
    figure(
        "10 faults: answers but 303 and 503 meanwhile",
        sum(client.statuses()[status] for status in unexpected_statuses),
        "0",
    )
    figure("10 faults: acknowledged signatures lost", len(client.lost_addresses(site)), "0")
    assert max(outages) <= 10, outages
    assert set(client.statuses()) == {303, 503}, client.statuses()
    assert {answer.retry_after for answer in client.answers if answer.status == 503} == {"5"}
    assert client.lost_addresses(site) == []
    arrived = {message.recipient for message in server.received}
    assert {answer.email for answer in client.answers if answer.status == 303} <= arrived
    assert "all counts are exact" in flask(site.environ, "tally", "verify")
