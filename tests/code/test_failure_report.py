"""The report of a failed test has its logs, threads and paths; that of a passed test has nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

_START = """
import threading
from pathlib import Path
import pytest
from flask import Flask
from tests.deploy.processes import logs_reported
from tests.postgresql import LOG

@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    (folder / "log").write_text("".join(f"server line {number}\\n" for number in range(500)))
    with logs_reported(folder):
        yield
"""


def run(pytester: pytest.Pytester, script: str) -> str:
    """Run the tests of this script with the plugin; return what pytest prints."""
    pytester.makeini("[pytest]\nmarkers = postgresql")
    pytester.makepyfile(_START + script)
    result = pytester.runpytest_inprocess("-p", "tests.failure_report", "-p", "no:cacheprovider")
    return result.stdout.str()


def test_the_end_of_the_logs_of_the_processes_that_run_is_reported(pytester: pytest.Pytester) -> None:
    output = run(pytester, "def test_a(server):\n    raise AssertionError\n")
    assert "server0/log -" in output
    assert "server line 400\n" in output
    assert "server line 499\n" in output
    assert "server line 399\n" not in output


def test_the_logs_of_processes_that_ended_within_the_test_are_reported(pytester: pytest.Pytester) -> None:
    output = run(
        pytester,
        "def test_a(tmp_path):\n"
        "    for name in ('first', 'second'):\n"
        "        (tmp_path.parent / name / 'log').mkdir(parents=True)\n"
        "        (tmp_path.parent / name / 'log' / 'error.log').write_text(f'{name} ended')\n"
        "        with logs_reported(tmp_path.parent / name):\n"
        "            pass\n"
        "def test_b():\n"
        "    with logs_reported(Path('/nonexistent')):\n"
        "        raise AssertionError\n"
        "def test_c(tmp_path):\n"
        "    with logs_reported(tmp_path.parent / 'first'):\n"
        "        pass\n"
        "    raise AssertionError\n",
    )
    assert output.count("first ended") == 1
    assert "second ended" not in output


def test_logs_in_the_folder_of_the_test_are_reported_with_its_path(pytester: pytest.Pytester) -> None:
    output = run(
        pytester,
        "def test_a(tmp_path):\n    (tmp_path / 'worker.log').write_text('worker broke')\n    raise AssertionError\n",
    )
    assert "folder: " in output
    assert "worker broke" in output
    folder = Path(next(line for line in output.splitlines() if line.startswith("folder: ")).removeprefix("folder: "))
    assert (folder / "worker.log").read_text() == "worker broke"


def test_the_log_of_postgresql_is_reported_for_tests_that_use_it(pytester: pytest.Pytester) -> None:
    output = run(
        pytester,
        "@pytest.fixture(autouse=True)\n"
        "def shared(request, tmp_path_factory):\n"
        "    log = tmp_path_factory.mktemp('data') / 'log'\n"
        "    log.write_text(f'deadlock detected in {request.node.name}')\n"
        "    request.config.stash[LOG] = log\n"
        "@pytest.mark.postgresql\n"
        "def test_a():\n    raise AssertionError\n"
        "def test_b():\n    raise AssertionError\n",
    )
    assert "deadlock detected in test_a" in output
    assert "deadlock detected in test_b" not in output


def test_the_databases_of_the_fixtures_are_reported(pytester: pytest.Pytester) -> None:
    output = run(
        pytester,
        "@pytest.fixture\n"
        "def app():\n"
        "    app = Flask('x')\n"
        "    app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///one.db'\n"
        "    return app\n"
        "@pytest.fixture\n"
        "def site():\n"
        "    class Site:\n"
        "        environ = {'TOCSIN_DATABASE_URL': 'sqlite:///two.db'}\n"
        "    return Site()\n"
        "@pytest.fixture\n"
        "def database_url():\n    return 'sqlite:///three.db'\n"
        "def test_a(app, site, database_url):\n    raise AssertionError\n",
    )
    assert "database of app: sqlite:///one.db\n" in output
    assert "database of site: sqlite:///two.db\n" in output
    assert "database of database_url: sqlite:///three.db\n" in output


def test_threads_that_still_run_are_reported_with_their_stacks(pytester: pytest.Pytester) -> None:
    output = run(
        pytester,
        "def wait_for_test(ended):\n    ended.wait()\n"
        "@pytest.fixture\n"
        "def thread():\n"
        "    ended = threading.Event()\n"
        "    thread = threading.Thread(target=wait_for_test, args=[ended], name='left over')\n"
        "    thread.start()\n"
        "    yield\n"
        "    ended.set()\n"
        "    thread.join()\n"
        "def test_a(thread):\n    raise AssertionError\n",
    )
    assert "Threads that still run" in output
    assert "left over:\n" in output
    assert "in wait_for_test\n    ended.wait()\n" in output


def test_a_fixture_that_fails_is_reported_and_a_passed_test_is_not(pytester: pytest.Pytester) -> None:
    output = run(
        pytester,
        "@pytest.fixture\n"
        "def broken(server, tmp_path):\n    raise OSError('no server')\n"
        "def test_a(broken):\n    pass\n"
        "def test_b(server):\n    pass\n",
    )
    assert "1 passed, 1 error" in output
    assert output.count("server line 499\n") == 1
