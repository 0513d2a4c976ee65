"""Files of the application are readable by its own user only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_migrate import upgrade

from campaign.config import ROOT
from campaign.factory import create_app
from campaign.platform import db
from tests.conftest import settings_for


@pytest.fixture(autouse=True)
def _permissive_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_database_log_and_queue_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path}/data/m.db", tmp_path))
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        made = [path for path in tmp_path.rglob("*") if path.name.startswith("m.db")]
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in made}
        db.session.remove()
        db.engine.dispose()
    assert modes
    assert set(modes.values()) == {"0o600"}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
