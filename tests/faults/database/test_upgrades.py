"""`flask db upgrade`: its output, several runs at once, and a server that is too old."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from campaign.config import ROOT
from campaign.platform.process.upgrade_lock import upgrade_lock
from tests.conftest import KEYS, make_database
from tests.deploy.processes import environment, flask

pytestmark = pytest.mark.slow

UPGRADE = [sys.executable, "-m", "flask", "db", "upgrade"]


@pytest.fixture(params=["sqlite", "postgresql"])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the settings of an empty database."""
    url = f"sqlite:///{tmp_path}/new.db"
    if request.param == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "upgrades")
    return environment(**KEYS, TOCSIN_DATABASE_URL=url)


@contextmanager
def another_upgrade(environ: dict[str, str]) -> Iterator[None]:
    """Hold the lock of an upgrade during the block, as another running upgrade does."""
    url = environ["TOCSIN_DATABASE_URL"]
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection, upgrade_lock(connection, print):
        yield
    engine.dispose()


def test_of_several_upgrades_at_once_one_changes_the_database(environ: dict[str, str], tmp_path: Path) -> None:
    logs = [tmp_path / f"log{number}" for number in range(3)]
    with ExitStack() as files, another_upgrade(environ):
        outputs = [files.enter_context(log.open("w")) for log in logs]
        upgrades = [subprocess.Popen(UPGRADE, cwd=ROOT, env=environ, stdout=output) for output in outputs]
        end = time.monotonic() + 60
        while not all("another upgrade is running: waiting for its end" in log.read_text() for log in logs):
            assert time.monotonic() < end, [log.read_text() for log in logs]
            time.sleep(0.1)
    assert [upgrade.wait(120) for upgrade in upgrades] == [0, 0, 0]
    outputs_written = [log.read_text() for log in logs]
    assert sum("went from no tables to" in upgrade for upgrade in outputs_written) == 1, outputs_written
    assert sum("already: nothing to do" in upgrade for upgrade in outputs_written) == 2, outputs_written


def test_the_command_says_what_it_did(environ: dict[str, str]) -> None:
    assert flask(environ, "db", "upgrade", "0001") == "the database went from no tables to migration 0001\n"
    assert flask(environ, "db", "upgrade", "0001") == "the database is at migration 0001 already: nothing to do\n"
    assert flask(environ, "db", "downgrade", "base") == "the database went from migration 0001 to no tables\n"
    assert "went from" not in flask(environ, "db", "current")


def test_a_server_that_is_too_old_is_refused(postgresql_server: str) -> None:
    """Refuse a server older than the required version, which this test raises to 99."""
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=make_database(postgresql_server, "old"))
    patch = "from campaign.platform.database import schema; schema.OLDEST_POSTGRESQL = 99"
    call = f"{patch}; from flask.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", call, "db", "upgrade"],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 1
    assert "is too old: Tocsin needs 99 or later" in result.stderr
    assert "Traceback" not in result.stderr
