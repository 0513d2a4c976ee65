"""A pytest plugin that prints the tables of tests at the end of a run, also of tests in other processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_KEY = "printed table"
PrintTable = Callable[[str, str], None]


@pytest.fixture
def print_table(record_property: Callable[[str, Any], None]) -> PrintTable:
    """Return a function that prints a text under a title when all tests have run."""

    def record(title: str, text: str) -> None:
        record_property(_KEY, [title, text])

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the recorded tables of passed and failed tests."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for key, value in getattr(report, "user_properties", ()):
                if key == _KEY and report.when == "call":
                    title, text = value
                    terminalreporter.section(title)
                    terminalreporter.write_line(text)
