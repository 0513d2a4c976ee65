"""A pytest plugin with the two forms of the suite: `make test` runs the gate, `make nightly` everything.

A test, or one of its parameters, that is marked `nightly` repeats in another way what a test of the gate shows: another
language, more kills, more rows. `make nightly` sets TOCSIN_NIGHTLY.
"""

from __future__ import annotations

import os

import pytest

IS_NIGHTLY = bool(os.environ.get("TOCSIN_NIGHTLY"))


def size(gate: int, nightly: int) -> int:
    """Return how many of something this run makes; tests that use it are marked `sized`."""
    return nightly if IS_NIGHTLY else gate


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `nightly`, except in `make nightly`."""
    if IS_NIGHTLY:
        return
    left_out = [item for item in items if item.get_closest_marker("nightly")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
