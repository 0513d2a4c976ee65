"""`flask db upgrade`, twice at once and on a server that is too old: it says what it did, and breaks nothing."""

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
    """The settings of an empty database."""
    url = f"sqlite:///{tmp_path}/new.db"
    if request.param == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "upgrades")
    return environment(**KEYS, TOCSIN_DATABASE_URL=url)


@contextmanager
def upgrading(environ: dict[str, str]) -> Iterator[None]:
    """As long as another upgrade runs, which takes as long as the test wants."""
    url = environ["TOCSIN_DATABASE_URL"]
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection, upgrade_lock(connection, print):
        yield
    engine.dispose()


def test_several_at_once_upgrade_once(environ: dict[str, str], tmp_path: Path) -> None:
    logs = [tmp_path / f"log{number}" for number in range(3)]
    with ExitStack() as files, upgrading(environ):
        outputs = [files.enter_context(log.open("w")) for log in logs]
        several = [subprocess.Popen(UPGRADE, cwd=ROOT, env=environ, stdout=output) for output in outputs]
        end = time.monotonic() + 60
        while not all("another upgrade is running: waiting for its end" in log.read_text() for log in logs):
            assert time.monotonic() < end, [log.read_text() for log in logs]
            time.sleep(0.1)
    assert [one.wait(120) for one in several] == [0, 0, 0]
    said = [log.read_text() for log in logs]
    assert sum("went from no tables to" in one for one in said) == 1, said
    assert sum("already: nothing to do" in one for one in said) == 2, said


def test_it_says_what_it_did(environ: dict[str, str]) -> None:
    assert flask(environ, "db", "upgrade", "0001") == "the database went from no tables to migration 0001\n"
    assert flask(environ, "db", "upgrade", "0001") == "the database is at migration 0001 already: nothing to do\n"
    assert flask(environ, "db", "downgrade", "base") == "the database went from migration 0001 to no tables\n"
    assert "went from" not in flask(environ, "db", "current")


def test_a_server_that_is_too_old_is_refused(postgresql_server: str) -> None:
    """Refuse an older server; none is installed, so this one reports an old version."""
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=make_database(postgresql_server, "old"))
    patch = "from campaign.platform.database import schema; schema.OLDEST_POSTGRESQL = 99"
    call = f"{patch}; from flask.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", call, "db", "upgrade"],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is too old: Tocsin needs 99 or later" in done.stderr
    assert "Traceback" not in done.stderr
