"""PostgreSQL's own programs for dump and restore: the search for one that is new enough, and its execution."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import URL

from campaign.domain.backup.backup_file import BackupError

# The folder in which Debian has all versions side by side; PATH is searched first.
_DEBIAN = Path("/usr/lib/postgresql")


def find_program(name: str, *, at_least: int = 0) -> str:
    """Return the path of `pg_dump`, `pg_restore` or `psql` of the server's version (`at_least`) or newer.

    An older program cannot read the server. Without `at_least`, it is the newest program, which reads every dump.
    Raises BackupError.
    """
    folders = [Path(folder) for folder in os.get_exec_path()] + sorted(_DEBIAN.glob("*/bin"), reverse=True)
    majors = {str(folder / name): _major(str(folder / name)) for folder in folders if (folder / name).is_file()}
    suitable = [path for path, major in majors.items() if major >= at_least]
    if suitable:
        return suitable[0] if at_least else max(suitable, key=lambda path: majors[path])
    seen = ", ".join(f"{path} is {major}" for path, major in majors.items()) or "there is none"
    required = f"{name} of PostgreSQL {at_least} or newer" if at_least else name
    raise BackupError(f"{required} is not on PATH ({seen}): install the client programs of the server's version")


def environment() -> dict[str, str]:
    """Return the environment of the programs: without the application's settings, and with messages in English.

    `RunningProgram.finish` searches the messages for words.
    """
    return {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")} | {"LC_MESSAGES": "C"}


def target_of(url: URL) -> tuple[str, dict[str, str]]:
    """Return the connection string for a program, and the environment, which has the password.

    The password is not in the string, because every user may read the arguments of a process.
    """
    parameters = conninfo_to_dict(url.set(drivername="postgresql").render_as_string(hide_password=False))
    password = parameters.pop("password", None)
    environ = environment() | ({"PGPASSWORD": str(password)} if password else {})
    return make_conninfo(**{key: str(value) for key, value in parameters.items()}), environ


class RunningProgram:
    """A running program, with its pipes."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        self._name = name
        self._process = process
        self._complaints = complaints

    @property
    def stdout(self) -> IO[bytes]:
        """The program's output."""
        return _pipe(self._process.stdout)

    def feed(self, content: bytes) -> None:
        """Write to the program's input. Raises BackupError where the program has ended; `finish` raises the reason."""
        try:
            _pipe(self._process.stdin).write(content)
        except OSError as error:
            raise BackupError(f"{self._name} ended before it had read everything") from error

    def end_input(self) -> None:
        """Close the program's input."""
        with suppress(BrokenPipeError):  # `finish` raises the reason
            _pipe(self._process.stdin).close()

    def has_ended(self) -> bool:
        """Return whether the program has ended, with success or without."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Wait for the program's end. Raises BackupError with its error message where it failed."""
        status = self._process.wait()
        if status:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").splitlines()
            telling = [line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()] or lines
            raise BackupError(f"{self._name}: {telling[0].strip()[:500] if telling else f'ended with status {status}'}")

    def kill(self) -> None:
        """End the program at once."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(
    command: list[str], environ: dict[str, str], *, stdin: bool = False, stdout: bool = False
) -> Iterator[RunningProgram]:
    """Start the program and yield it; at the end it is killed where it has not ended by itself."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603  PostgreSQL's own programs
            command,
            env=environ,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            stderr=complaints,
        )
        program = RunningProgram(Path(command[0]).name, process, complaints)
        try:
            yield program
        finally:
            program.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("the program was started without this pipe")
    return pipe


@cache
def _major(path: str) -> int:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  the same
    version = re.search(r"\) (\d+)", done.stdout)
    return int(version[1]) if version else 0
