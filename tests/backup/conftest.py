"""Fixtures: the installation that is backed up and the one that is restored to, on each database, and keys."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backup.backup_site import BackupSite
from tests.conftest import make_database
from tests.postgresql import programs


@pytest.fixture(autouse=True)
def _client_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the server's client programs first in PATH, because pg_dump refuses a server newer than itself."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs()), os.environ["PATH"]]))


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_site(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Return a function that makes installations on new, empty databases of that kind."""
    made: list[BackupSite] = []

    def make(**more: str) -> BackupSite:
        folder = tmp_path / f"place{len(made)}"
        url = f"sqlite:///{folder}/tocsin.db"
        if kind == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            url = make_database(server, f"backup_{os.getpid()}_{next(_numbers)}")
        made.append(BackupSite(url, folder, **more))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def source(make_site: Any, public_key: str) -> BackupSite:
    """Return the installation to back up: three people signed, two of them confirmed."""
    site: BackupSite = make_site(TOCSIN_BACKUP_KEY=public_key)
    site.fill()
    for name in ("Ana", "Bo"):
        site.sign(name)
    site.sign("Chi", confirmed=False)
    return site


@pytest.fixture
def target(make_site: Any) -> BackupSite:
    """Return an empty installation to restore to."""
    return make_site()  # type: ignore[no-any-return]


@pytest.fixture
def private_key(tmp_path: Path, make_site: Any) -> str:
    """Return the path of a new private key."""
    path = tmp_path / "key.txt"
    result = make_site().run_command("key", str(path))
    assert result.stdout.startswith("age1")
    assert path.stat().st_mode & 0o777 == 0o600
    return str(path)


@pytest.fixture
def public_key(private_key: str) -> str:
    """Return the public key of the private key."""
    return Path(private_key).read_text(encoding="utf-8").splitlines()[0].removeprefix("# public key: ")
