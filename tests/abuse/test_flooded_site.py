"""A flood of sign-ups at a real site behind a proxy: it is limited and alerted, and none of it is counted."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaign.domain.staff.roles import Role
from campaign.models import AbuseAlert, Signature, SignUp
from campaign.platform import db
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.counting.counts import counts
from tests.attack import IS_ATTACK, Figure
from tests.deploy.processes import free_port, running, wait_for, web
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.smtp_script import Server
from tests.staff.staff_clients import join_staff

pytestmark = pytest.mark.slow

FLOOD_SIZE = 10_000 if IS_ATTACK else 300
# Twice the sign-ups that an appeal accepts in a minute without a proof, because the flood may span two minutes.
MAX_WITHOUT_PROOF = 1200
FROM_ONE_NETWORK = 60
STAFF = "cleo@staff.example"


class Flood:
    """A client that signs from many networks, without any proof, and counts the answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.refused_at: float | None = None

    def sign(self, number: int, network: int, **more: str) -> int:
        """Sign once from the network of that number; return the status."""
        fields = {"name": "Jeanne Martin", "email": f"one{number}@d{number}.example", "country": "FR", "consent": "y"}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": f"198.{network // 250}.{network % 250}.7",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", "/en/appeals/case/sign", urllib.parse.urlencode(fields | more), headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        with self._lock:
            self.statuses[answer.status] += 1
            if answer.status == 422 and self.refused_at is None:
                self.refused_at = time.monotonic()
        return answer.status


@pytest.mark.parametrize("kind", ["postgresql", pytest.param("sqlite", marks=pytest.mark.nightly)])
def test_a_flood_is_refused_alerted_and_not_counted(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    port = free_port()
    further = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_LIMITS_URL": "memory://", "TOCSIN_PROXIES": "1"}
    with Server() as server:
        site = make_site(kind, server, tmp_path, request, **further)
        with site.app.app_context():
            join_staff(site.app, STAFF, Role.COORDINATOR)
            db.session.remove()
        with running(site.environ, [web(port), WORKER], tmp_path / "log"):
            wait_for(f"http://127.0.0.1:{port}/readyz")
            alone = sign_from_one_network(port)
            flood = Flood(port)
            with ThreadPoolExecutor(8) as pool:
                # Sign until the flood is noticed, then continue for longer than before.
                for first in range(0, MAX_WITHOUT_PROOF + 100, 50):
                    list(pool.map(lambda number: flood.sign(number, number), range(1000 + first, 1050 + first)))
                    if flood.refused_at is not None:
                        break
                assert flood.refused_at is not None, flood.statuses
                went_on = pool.submit(lambda: [flood.sign(n, n) for n in range(5000, 5000 + FLOOD_SIZE)])
                told = seconds_until_alert(server, flood.refused_at)
                went_on.result()
            assert flood.sign(0, 7, leave_empty="http://spam.example") == 422  # a filled hidden field returns the form
        check_accepted(site, flood, alone)
    tries, taken = flood.statuses.total(), flood.statuses[303]
    figure(f"1 flood: {tries:,} sign-ups from as many networks, unproved: taken", taken, f"≤ {MAX_WITHOUT_PROOF:,}")
    figure("1 flood: 100 sign-ups from one network within a minute: taken", alone, f"≤ {FROM_ONE_NETWORK}")
    figure("1 flood: staff are mailed after", f"{told:.1f} s", "≤ 60 s")
    assert (taken <= MAX_WITHOUT_PROOF, told <= 60) == (True, True)
    assert set(flood.statuses) == {303, 422}


def sign_from_one_network(port: int) -> int:
    """Return how many of a hundred sign-ups from one network are accepted within a minute of the clock."""
    if time.time() % 60 > 40:
        time.sleep(61 - time.time() % 60)
    flood = Flood(port)
    for number in range(100):
        flood.sign(number, 249)
    assert flood.statuses == {303: FROM_ONE_NETWORK, 429: 100 - FROM_ONE_NETWORK}
    return flood.statuses[303]


def seconds_until_alert(server: Server, since: float) -> float:
    """Wait for the mail to the coordinator; return the seconds until it arrived."""
    while not [
        message for message in server.received if message.recipient == STAFF and b"many sign-ups" in message.content
    ]:
        assert time.monotonic() < since + 90, "no alert was mailed"
        time.sleep(0.1)
    return time.monotonic() - since


def check_accepted(site: Site, flood: Flood, alone: int) -> None:
    """Check that accepted sign-ups are stored, mailed once, and not counted."""
    with site.app.app_context():
        appeal = find_appeal("case")
        assert appeal is not None
        taken = db.session.scalar(select(func.count()).select_from(SignUp))
        assert db.session.scalar(select(func.count()).select_from(Signature)) == 0
        assert counts(appeal.id).total == 0
        # Ten thousand sign-ups exceed the limit of the whole site too, so each kind of alert is sent once.
        told = sorted(db.session.scalars(select(AbuseAlert.kind)))
        assert told == (["all", "appeal"] if IS_ATTACK else ["appeal"])
        db.session.remove()
    assert taken == alone + flood.statuses[303]
    mailed = Counter(message.recipient for message in site.server.received if message.recipient != STAFF)
    assert set(mailed.values()) <= {1}
    assert len(mailed) <= taken
