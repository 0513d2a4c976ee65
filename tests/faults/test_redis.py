"""The storage of limits hangs or is away: sign-ups go on without a wait, limits hold in each process, few log lines."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.attack import Figure
from tests.conftest import form, make_database
from tests.faults.site import make_site
from tests.faults.smtp import Server
from tests.faults.test_serving import ask
from tests.journeys.processes import free_port, redis, running, wait_for, web

pytestmark = pytest.mark.slow


def sign(port: int, number: int) -> tuple[int, float]:
    """One sign-up of somebody else: the status and the seconds that it took."""
    fields = form(email=f"person{number}@mail{number}.example")
    body = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in fields.items()).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": f"198.51.{number}.7"}
    return ask(port, "/en/appeals/case/sign", body, **headers)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("how", ["hangs", "is away"])
def test_sign_ups_go_on_without_redis(
    kind: str, how: str, server: Server, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    url = ""
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "faults_redis")
    log = tmp_path / "web.log"
    with redis(tmp_path) as limits_url:
        site = make_site(kind, server, tmp_path, request, url=url, TOCSIN_LIMITS_URL=limits_url, TOCSIN_PROXIES="1")
        port = free_port()
        with running(site.environ, [web(port)], log):
            wait_for(f"http://127.0.0.1:{port}/readyz")
            assert sign(port, 1)[0] == 303
            pid = redis_process(limits_url)
            subprocess.run(["kill", f"-{signal.SIGSTOP if how == 'hangs' else signal.SIGKILL}", pid], check=True)
            before = log.read_text().count("\n")
            try:
                took = [sign(port, number) for number in range(2, 42)]
                health = [ask(port) for _ in range(5)]
                flood = [sign(port, 50)[0] for _ in range(65)]
            finally:
                subprocess.run(["kill", "-CONT", pid], check=how == "hangs")
            lines = log.read_text().splitlines()[before:]
            if how == "hangs":
                time.sleep(6)
                assert sign(port, 60)[0] == 303
    assert {status for status, _ in took} == {303}
    slowest = max(seconds for _, seconds in took)
    figure(f"10 faults: Redis {how}: the slowest of 40 sign-ups, s", round(slowest, 2), "3")
    assert slowest < 3
    assert sum(seconds > 0.25 for _, seconds in took) <= 10, "most of them wait for nothing"
    assert all(status == 200 and seconds < 0.5 for status, seconds in health)
    assert 429 in flood, "the limits hold in the process"
    assert len([line for line in lines if "limits' storage is away" in line]) == 1
    assert len(lines) <= 2, lines


def redis_process(url: str) -> str:
    """The process id of the server at that address."""
    port = url.rpartition(":")[2].partition("/")[0]
    found = subprocess.run(["pgrep", "-f", f"redis-server.*:{port}"], capture_output=True, text=True, check=True)
    return found.stdout.split()[0]
