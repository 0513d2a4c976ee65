"""What the tests of messages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from campaign.factory import create_app
from tests.conftest import settings_for


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose database is not asked."""
    folder = tmp_path_factory.mktemp("site")
    app = create_app(settings_for(f"sqlite:///{folder}/none.db", folder))
    with app.app_context():
        yield app
