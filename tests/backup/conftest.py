"""Where a backup is taken and where it is restored, on each database, with a key."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backup.backup_site import Place
from tests.conftest import make_database
from tests.postgresql import programs


@pytest.fixture(autouse=True)
def _client_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own, before what the machine has: pg_dump refuses a server newer than itself."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs()), os.environ["PATH"]]))


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Makes places on new, empty databases of that kind."""
    made: list[Place] = []

    def new(**more: str) -> Place:
        folder = tmp_path / f"place{len(made)}"
        url = f"sqlite:///{folder}/tocsin.db"
        if kind == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            url = make_database(server, f"backup_{os.getpid()}_{next(_numbers)}")
        made.append(Place(url, folder, **more))
        return made[-1]

    yield new
    for place in made:
        place.end()


@pytest.fixture
def here(make: Any, public: str) -> Place:
    """Where the backup is taken: three signed, two of them confirmed."""
    place: Place = make(TOCSIN_BACKUP_KEY=public)
    place.fill()
    for name in ("Ana", "Bo"):
        place.sign(name)
    place.sign("Chi", confirmed=False)
    return place


@pytest.fixture
def there(make: Any) -> Place:
    """Where it is restored."""
    return make()  # type: ignore[no-any-return]


@pytest.fixture
def private(tmp_path: Path, make: Any) -> str:
    """The file of a private key."""
    path = tmp_path / "key.txt"
    said = make().run("key", str(path))
    assert said.stdout.startswith("age1")
    assert path.stat().st_mode & 0o777 == 0o600
    return str(path)


@pytest.fixture
def public(private: str) -> str:
    """Its public key."""
    return Path(private).read_text(encoding="utf-8").splitlines()[0].removeprefix("# public key: ")
