"""Real processes for end-to-end tests: a migrated database, gunicorn, workers; on loopback, ended with the test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign.config import ROOT
from tests.deploy.forked_process import ForkedProcess

# The folders with logs of processes that run now, and of those that ran during the present test, for the reports of
# tests/failure_report.py.
open_folders: list[Path] = []
folders_of_test: set[Path] = set()


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def flask(environ: dict[str, str], *arguments: str, status: int = 0) -> str:
    """Run a flask command and return its output."""
    with TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        ended_with = ForkedProcess(["flask", *arguments], environ, stdout, stderr).wait(120)
        assert ended_with == status, stdout.read_text() + stderr.read_text()
        return stdout.read_text()


Process = ForkedProcess | subprocess.Popen[bytes]


@contextmanager
def logs_reported(folder: Path) -> Iterator[None]:
    """Report the logs in this folder for each test that fails while the context is open, or in which it was open."""
    open_folders.append(folder)
    folders_of_test.add(folder)
    try:
        yield
    finally:
        open_folders.remove(folder)


@contextmanager
def running(
    environ: dict[str, str], commands: list[list[str]], log: Path, *, is_fresh: bool = False
) -> Iterator[list[Process]]:
    """Run the commands as processes of their own; with `is_fresh`, they load all modules themselves.

    The report of a test that fails meanwhile has the end of the log. A process that does not end within ten seconds of
    SIGTERM fails the test, and logs the stack of each of its threads.
    """
    with logs_reported(log.parent):
        processes = [
            _start_fresh(command, environ, log) if is_fresh else ForkedProcess(command, environ, log, log)
            for command in commands
        ]
        try:
            yield processes
        finally:
            for process in processes:
                process.terminate()
            stuck = [process for process in processes if not _ends_in_time(process)]
            assert not stuck, f"{[process.args for process in stuck]} did not end: {log.read_text()[-20_000:]}"


def _start_fresh(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environ, stdout=output, stderr=output)


def _ends_in_time(process: Process) -> bool:
    """Return whether the process ends within ten seconds; if not, have it log its stacks, and kill it."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
        return True
    process.send_signal(signal.SIGABRT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    process.kill()
    process.wait()
    return False


def web(port: int, workers: int = 1) -> list[str]:
    """Return the command of the web server."""
    return ["gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4",
            "--workers", str(workers), "--no-control-socket", "--log-level", "warning"]  # fmt: skip


def wait_for(url: str, seconds: float = 240) -> None:
    """Wait until that address answers 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def wait_until(is_done: Callable[[], bool], seconds: float = 60, *, pause: float = 0.1) -> None:
    """Poll every `pause` seconds until the condition is true; fail the test after `seconds`."""
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(pause)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Return nothing, so that a redirect is the answer."""


# Opens a URL without following redirects.
OPENER = urllib.request.build_opener(_NoRedirect)


def post_form(url: str, fields: dict[str, str], **headers: str) -> int:
    """Send the fields as a form; return the status. Redirects are not followed."""
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), headers)
    try:
        with OPENER.open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def timed_request(port: int, path: str = "/healthz", body: bytes | None = None, **headers: str) -> tuple[int, float]:
    """Send a request; return the status and the seconds until its answer was read."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began
    finally:
        connection.close()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Yield the address of a separate Redis server without files, once it answers; Redis must be installed."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 240
            while not _accepts_connections(port):
                assert time.monotonic() < end, "redis-server did not answer"
                time.sleep(0.1)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def _accepts_connections(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with the given settings only; an aborted process prints its threads."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "FLASK_"))}
    return {**inherited, "PYTHONFAULTHANDLER": "1", **settings}
