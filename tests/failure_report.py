"""A pytest plugin that adds to the report of a failed test what is needed to understand it.

Sections: the paths of the test's folder and database, the ends of the logs that its processes and PostgreSQL wrote, and
where each other thread of the test's process stands. pytest does not delete the folders of its last three runs.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Generator
from pathlib import Path

import pytest
from flask import Flask

from tests.deploy.processes import folders_of_test, open_folders
from tests.postgresql import LOG

_LOG_LINES = 100
_LOG_NAMES = ("log", "*.log", "*/log", "*/*.log")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget the processes of the test before, except those that still run."""
    folders_of_test.clear()
    folders_of_test.update(open_folders)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the sections to the report of a test that failed, or whose fixtures did."""
    report = yield
    if report.failed:
        report.sections += [("Paths", _paths(item)), *_logs(item)]
        if stacks := _stacks():
            report.sections.append(("Threads that still run", stacks))
    return report


def _fixtures(item: pytest.Item) -> dict[str, object]:
    return dict(getattr(item, "funcargs", {}))


def _paths(item: pytest.Item) -> str:
    """Return the test's folder and the addresses of its databases, as far as it has them."""
    fixtures = _fixtures(item)
    lines = [f"folder: {fixtures['tmp_path']}"] if "tmp_path" in fixtures else []
    for name, value in fixtures.items():
        settings = value.config if isinstance(value, Flask) else getattr(value, "environ", {})
        database = settings.get("SQLALCHEMY_DATABASE_URI") or settings.get("TOCSIN_DATABASE_URL")
        if name == "database_url" or database:
            lines.append(f"database of {name}: {database or value}")
    return "\n".join(lines) or "no folder and no database"


def _logs(item: pytest.Item) -> list[tuple[str, str]]:
    """Return the name and the end of each log."""
    folder = _fixtures(item).get("tmp_path")
    folders = folders_of_test | ({folder} if isinstance(folder, Path) else set())
    logs = {path for folder in folders for name in _LOG_NAMES for path in folder.glob(name) if path.is_file()}
    if item.get_closest_marker("postgresql") and LOG in item.config.stash:
        logs.add(item.config.stash[LOG])
    return [(f"End of {log}", _end(log)) for log in sorted(logs)]


def _end(log: Path) -> str:
    """Return the last lines of the log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 200 * _LOG_LINES))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-_LOG_LINES:])


def _stacks() -> str:
    """Return where each thread stands, except the one that runs the tests."""
    frames = sys._current_frames()
    threads = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    return "\n".join(
        f"{thread.name}:\n" + "".join(traceback.format_stack(frames[thread.ident]))
        for thread in threads
        if thread.ident in frames
    )
