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

# Debian's folder with all installed versions. PATH is searched first.
_DEBIAN = Path("/usr/lib/postgresql")


def find_program(name: str, *, at_least: int = 0) -> str:
    """Return the path of `pg_dump`, `pg_restore` or `psql` in the server's version (`at_least`) or a newer one.

    An older program cannot read from the server. Without `at_least`, return the newest, which reads every dump.
    Raises BackupError.
    """
    folders = [Path(folder) for folder in os.get_exec_path()] + sorted(_DEBIAN.glob("*/bin"), reverse=True)
    majors = {str(folder / name): _major(str(folder / name)) for folder in folders if (folder / name).is_file()}
    suitable = [path for path, major in majors.items() if major >= at_least]
    if suitable:
        return suitable[0] if at_least else max(suitable, key=lambda path: majors[path])
    found_versions = ", ".join(f"{path} is {major}" for path, major in majors.items()) or "there is none"
    required = f"{name} of PostgreSQL {at_least} or newer" if at_least else name
    raise BackupError(
        f"{required} is not on PATH ({found_versions}): install the client programs of the server's version"
    )


def environment() -> dict[str, str]:
    """Return the environment for the programs: without the application's settings, and with messages in English.

    `RunningProgram.finish` searches their messages.
    """
    return {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")} | {"LC_MESSAGES": "C"}


def connection_of(url: URL) -> tuple[str, dict[str, str]]:
    """Return the connection string for a program, and the environment with the password.

    The password is not in the string, because every user can read the arguments of a process.
    """
    parameters = conninfo_to_dict(url.set(drivername="postgresql").render_as_string(hide_password=False))
    password = parameters.pop("password", None)
    environ = environment() | ({"PGPASSWORD": str(password)} if password else {})
    return make_conninfo(**{key: str(value) for key, value in parameters.items()}), environ


class RunningProgram:
    """A running program, with its pipes."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], error_output: IO[bytes]) -> None:
        self._name = name
        self._process = process
        self._error_output = error_output

    @property
    def stdout(self) -> IO[bytes]:
        """Return the program's output."""
        return _pipe(self._process.stdout)

    def feed(self, content: bytes) -> None:
        """Write to the program's input. Raises BackupError if the program has ended; `finish` raises the reason."""
        try:
            _pipe(self._process.stdin).write(content)
        except OSError as error:
            raise BackupError(f"{self._name} ended before it had read everything") from error

    def end_input(self) -> None:
        """Close the program's input."""
        with suppress(BrokenPipeError):  # `finish` raises the reason
            _pipe(self._process.stdin).close()

    def has_ended(self) -> bool:
        """Return whether the program has ended, successfully or not."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Wait for the program to end. Raises BackupError with its error message if it failed."""
        status = self._process.wait()
        if status:
            self._error_output.seek(0)
            lines = self._error_output.read().decode(errors="replace").splitlines()
            error_lines = [line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()] or lines
            raise BackupError(
                f"{self._name}: {error_lines[0].strip()[:500] if error_lines else f'ended with status {status}'}"
            )

    def kill(self) -> None:
        """End the program at once."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(
    command: list[str], environ: dict[str, str], *, stdin: bool = False, stdout: bool = False
) -> Iterator[RunningProgram]:
    """Start the program and yield it; at the end, kill it if it has not ended by itself."""
    with tempfile.TemporaryFile() as error_output:
        process = subprocess.Popen(  # noqa: S603  PostgreSQL's own programs
            command,
            env=environ,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            stderr=error_output,
        )
        program = RunningProgram(Path(command[0]).name, process, error_output)
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
    result = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  the same
    version = re.search(r"\) (\d+)", result.stdout)
    return int(version[1]) if version else 0
