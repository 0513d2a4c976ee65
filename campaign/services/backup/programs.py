"""PostgreSQL's own programs, which dump and restore: finding one that is new enough, and running it."""

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

# Where Debian keeps all versions side by side; PATH comes first.
_DEBIAN = Path("/usr/lib/postgresql")


def find_program(name: str, *, at_least: int = 0) -> str:
    """The path of `pg_dump`, `pg_restore` or `psql`; one that is older than the server (`at_least`) cannot read it.

    Where no server is concerned, the newest, which reads every dump. Raises BackupError.
    """
    folders = [Path(one) for one in os.get_exec_path()] + sorted(_DEBIAN.glob("*/bin"), reverse=True)
    found = {str(one / name): _major(str(one / name)) for one in folders if (one / name).is_file()}
    fit = [path for path, major in found.items() if major >= at_least]
    if fit:
        return fit[0] if at_least else max(fit, key=lambda path: found[path])
    seen = ", ".join(f"{path} is {major}" for path, major in found.items()) or "there is none"
    wanted = f"{name} of PostgreSQL {at_least} or newer" if at_least else name
    raise BackupError(f"{wanted} is not on PATH ({seen}): install the client programs of the server's version")


def environment() -> dict[str, str]:
    """What the programs get of ours: no settings, and English words to look for in what they complain of."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TOCSIN_")} | {"LC_MESSAGES": "C"}


def target_of(url: URL) -> tuple[str, dict[str, str]]:
    """What to hand a program for that database: a connection string, and an environment that holds the password, for
    everybody may read the arguments of a process."""
    said = conninfo_to_dict(url.set(drivername="postgresql").render_as_string(hide_password=False))
    password = said.pop("password", None)
    environ = environment() | ({"PGPASSWORD": str(password)} if password else {})
    return make_conninfo(**{key: str(value) for key, value in said.items()}), environ


class RunningProgram:
    """A program at work, with the ends of its pipes."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        self._name = name
        self._process = process
        self._complaints = complaints

    @property
    def stdout(self) -> IO[bytes]:
        """What it writes."""
        return _pipe(self._process.stdout)

    def feed(self, content: bytes) -> None:
        """Gives it something to read. Raises BackupError where it has ended; `finish` says why."""
        try:
            _pipe(self._process.stdin).write(content)
        except OSError as error:
            raise BackupError(f"{self._name} ended before it had read everything") from error

    def end_input(self) -> None:
        """There is no more to read."""
        with suppress(BrokenPipeError):  # `finish` says why
            _pipe(self._process.stdin).close()

    def has_ended(self) -> bool:
        """Whether it is over, one way or the other."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Waits for its end. Raises BackupError with what it complained of."""
        status = self._process.wait()
        if status:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").splitlines()
            telling = [line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()] or lines
            raise BackupError(f"{self._name}: {telling[0].strip()[:500] if telling else f'ended with status {status}'}")

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(
    command: list[str], environ: dict[str, str], *, stdin: bool = False, stdout: bool = False
) -> Iterator[RunningProgram]:
    """The program with those pipes; it is killed where it has not ended by itself."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603  PostgreSQL's own programs
            command,
            env=environ,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            stderr=complaints,
        )
        at_work = RunningProgram(Path(command[0]).name, process, complaints)
        try:
            yield at_work
        finally:
            at_work.kill()
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
