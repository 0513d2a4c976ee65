"""Processes of Tocsin's commands that begin as copies of a process which has loaded the modules already.

Loading them takes more than a second of processor time for each process. Settings are read after it, so a copy does all
that a new process does. Tests of the start itself, and benchmarks, use `subprocess`.
"""

from __future__ import annotations

import atexit
import faulthandler
import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

from campaign.config import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
# Not `app`, which reads the settings.
_CONTEXT.set_forkserver_preload(
    [
        "campaign.factory",
        "campaign.worker",
        "campaign.serving",
        "flask.cli",
        "gunicorn.app.wsgiapp",
        "gunicorn.workers.gthread",
        "tests.deploy.forked_process",
    ]
)


class ForkedProcess:
    """A process that runs a module as `python -m` does, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, args: list[str], environ: dict[str, str], stdout: Path, stderr: Path) -> None:
        """Start the module `args[0]` with the other arguments; its output is appended to the two files."""
        self.args = args
        for path in (stdout, stderr):
            path.touch()  # a test may read it before the process has begun
        # A daemon is ended with the test process, whatever becomes of the test.
        self._process = _CONTEXT.Process(target=_run_module, args=(args, environ, stdout, stderr), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negative number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit status. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send the signal, unless the process has ended."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()


def _run_module(args: list[str], environ: dict[str, str], stdout: Path, stderr: Path) -> None:
    """Become `python -m` of the module: its environment, folder, arguments and output."""
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(ROOT)
    for descriptor, path in ((1, stdout), (2, stderr)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), descriptor)
    if environ.get("PYTHONFAULTHANDLER"):
        faulthandler.enable()
    sys.argv = list(args)
    try:
        runpy.run_module(args[0], run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
