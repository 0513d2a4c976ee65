"""Short and long forms: `make attack` sets TOCSIN_ATTACK, runs what is marked `attack` too, and prints the figures."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

IS_ATTACK = bool(os.environ.get("TOCSIN_ATTACK"))
_FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long forms are for `make attack`: measured times mean nothing beside other tests."""
    if IS_ATTACK:
        return
    long = [item for item in items if item.get_closest_marker("attack")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object, str], None]:
    """Notes what was measured, and what it is held against."""
    figures = request.config.stash.setdefault(_FIGURES, [])

    def note(what: str, value: object, limit: str) -> None:
        figures.append((what, str(value), limit))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table."""
    figures = config.stash.get(_FIGURES, [])
    if IS_ATTACK and figures:
        terminalreporter.section("attack")
        for what, value, limit in figures:
            terminalreporter.write_line(f"{what:<64}{value:>14}   {limit}")
