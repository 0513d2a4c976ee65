"""Fixtures of the fault tests: a site on each of the two databases, and a mail server that follows a test's script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.fault_site import Site, make_site
from tests.faults.smtp_script import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a mail server that accepts everything until the test gives it another script."""
    with Server() as server:
        yield server


# A worker's conversation with a mail server is the same code on both databases; tests of what differs name both.
@pytest.fixture(params=["postgresql", pytest.param("sqlite", marks=pytest.mark.nightly)])
def site(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Site:
    """Yield a site with one open appeal and no worker yet."""
    return make_site(request.param, server, tmp_path, request)
