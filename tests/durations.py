"""A pytest plugin that says where a run's time went, and compares it with tests/time_budget.toml.

After a long run it prints the slowest tests and the time of each folder. A run of the whole gate fails if a folder
takes more than its share of the time: shares, because machines differ.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

_BUDGET_FILE = Path(__file__).parent / "time_budget.toml"
_SLOWEST = 40
_SLACK = 2.0  # percent of the whole time, for folders whose share is small
# A run of fewer tests is a selection.
_LONG_RUN = 3_000
_Durations = dict[str, float]  # seconds by the name of a test, or of a folder
_DURATIONS = pytest.StashKey[_Durations]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no durations."""
    durations = config.stash[_DURATIONS] = _Durations()
    config.pluginmanager.register(_Recorder(durations))


class _Recorder:
    def __init__(self, durations: _Durations) -> None:
        self._durations = durations

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the seconds of a test's set-up, call or tear-down."""
        self._durations[report.nodeid] = self._durations.get(report.nodeid, 0.0) + report.duration


def folder_seconds(durations: _Durations) -> _Durations:
    """Return the seconds of each folder below tests/, from the seconds of each test."""
    seconds = _Durations()
    for name, duration in durations.items():
        folder = name.split("/")[1]
        seconds[folder] = seconds.get(folder, 0.0) + duration
    return seconds


def _longest_first(seconds: _Durations) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda item: -item[1])


def exceeded_shares(seconds: _Durations, shares: dict[str, float], margin: float) -> list[str]:
    """Return a sentence for each folder that took more than its share (in percent) of the time.

    It may take `margin` times its share, and two percent of the whole more.
    """
    total = sum(seconds.values())
    sentences = []
    for folder, taken in sorted(seconds.items()):
        percent, allowed = 100 * taken / total, shares.get(folder, 0.0)
        if percent > allowed * margin + _SLACK:
            sentences.append(f"tests/{folder} took {percent:.1f} % of the time, and its share is {allowed:g} %")
    return sentences


def budget() -> tuple[dict[str, float], float]:
    """Return the share of each folder in percent, and the factor of noise by which it may be exceeded."""
    content = tomllib.loads(_BUDGET_FILE.read_text())
    return content["shares"], content["margin"]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of the whole gate in which a folder took more than its share."""
    durations = session.config.stash[_DURATIONS]
    is_gate = bool(os.environ.get("TOCSIN_GATE")) and "PYTEST_XDIST_WORKER" not in os.environ
    if is_gate and session.exitstatus == 0 and exceeded_shares(folder_seconds(durations), *budget()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the slowest tests and the time by folder, then what exceeded its share."""
    durations = config.stash[_DURATIONS]
    if len(durations) < _LONG_RUN:
        return
    terminalreporter.section(f"slowest {_SLOWEST} tests")
    for name, seconds in _longest_first(durations)[:_SLOWEST]:
        terminalreporter.write_line(f"{seconds:8.2f} s  {name}")
    by_folder = folder_seconds(durations)
    terminalreporter.section("time by folder")
    for folder, seconds in _longest_first(by_folder):
        terminalreporter.write_line(
            f"{seconds:8.1f} s {100 * seconds / sum(by_folder.values()):5.1f} %  tests/{folder}"
        )
    if os.environ.get("TOCSIN_GATE"):
        for sentence in exceeded_shares(by_folder, *budget()):
            terminalreporter.write_line(f"FAILED {sentence} (tests/time_budget.toml)", red=True)
