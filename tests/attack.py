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
    """Skip the long forms except in `make attack`: times measured beside other tests mean nothing."""
    if IS_ATTACK:
        return
    long_items = [item for item in items if item.get_closest_marker("attack")]
    if long_items:
        config.hook.pytest_deselected(items=long_items)
        items[:] = [item for item in items if item not in long_items]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return a function that notes a measured figure with its limit, and the database if the test has one as parameter.

    Each note begins with a number of the table "Measured" in docs/security.md.
    """
    figures = request.config.stash.setdefault(_FIGURES, [])
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    database = next((value for value in parameters.values() if value in {"sqlite", "postgresql"}), None)

    def note_figure(title: str, value: object, limit: str) -> None:
        figures.append((f"{title} ({database})" if database else title, str(value), limit))

    return note_figure


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of noted figures."""
    figures = config.stash.get(_FIGURES, [])
    if IS_ATTACK and figures:
        terminalreporter.section("attack")
        for title, value, limit in sorted(figures, key=lambda figure: (int(figure[0].split()[0]), figure)):
            terminalreporter.write_line(f"{title:<96}{value:>16}   {limit}")
