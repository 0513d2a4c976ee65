"""A pytest plugin with short and long forms: `make attack` sets TOCSIN_ATTACK.

It also runs the tests marked `attack`, and prints the figures.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

IS_ATTACK = bool(os.environ.get("TOCSIN_ATTACK"))
Figure = Callable[[str, object, str], None]
_FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the long forms but for `make attack`: measured times mean nothing beside other tests."""
    if IS_ATTACK:
        return
    long = [item for item in items if item.get_closest_marker("attack")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return a function that notes a measured figure and its bound, with the database where the test runs on both.

    The note begins with a number of the table in docs/security.md, "Measured".
    """
    figures = request.config.stash.setdefault(_FIGURES, [])
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    database = next((value for value in parameters.values() if value in {"sqlite", "postgresql"}), None)

    def note(what: str, value: object, limit: str) -> None:
        figures.append((f"{what} ({database})" if database else what, str(value), limit))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    figures = config.stash.get(_FIGURES, [])
    if IS_ATTACK and figures:
        terminalreporter.section("attack")
        for what, value, limit in sorted(figures, key=lambda one: (int(one[0].split()[0]), one)):
            terminalreporter.write_line(f"{what:<96}{value:>16}   {limit}")
