"""The creation of a backup while the application runs.

The backup is encrypted to a public key as it is read, so no part of it is on a disk unencrypted. Its file appears
complete or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pyrage.x25519 import Recipient

from campaign.domain.backup.backup_file import BackupError, ByteReader, Manifest, seal
from campaign.platform import db
from campaign.platform.context import Context
from campaign.services.backup import embedded, server


@dataclass(frozen=True, slots=True)
class CreatedBackup:
    """A backup that was written: its size in bytes, and its manifest."""

    size: int
    manifest: Manifest


def create_backup(path: Path, keys: list[Recipient], *, replace: bool, context: Context) -> CreatedBackup:
    """Write a backup of the whole database to the file, and return its size and manifest.

    Raises BackupError; then there is no new file.
    """
    source = embedded.source if db.engine.dialect.name == "sqlite" else server.source
    try:
        with (
            _complete_file(path, replace=replace) as file,
            source(db.engine, context.now, context.vault) as (manifest, dump),
        ):
            seal(_HeaderThenDump(manifest.as_header(), dump), file, keys)
            size = file.tell()
    except OSError as error:
        raise BackupError(f"{path} cannot be written, and nothing is left of it: {error.strerror or error}") from error
    return CreatedBackup(size, manifest)


class _HeaderThenDump:
    """A reader of the header and then the dump."""

    def __init__(self, header: bytes, dump: ByteReader) -> None:
        self._header = header
        self._dump = dump

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        if self._header:
            part, self._header = self._header[:size], self._header[size:]
            return part
        return self._dump.read(size)


@contextmanager
def _complete_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Yield a file with a temporary name, which becomes `path` once all of it is on the disk.

    Only its owner can read it. Raises BackupError where `path` exists already, unless `replace` is true.
    """
    if path.exists() and not replace:
        raise BackupError(f"{path} exists already; give another name, or --replace")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        if replace:
            partial.replace(path)
        else:
            _link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _link(partial: Path, path: Path) -> None:
    """Give the file the name `path`. Raises BackupError where another file has it, which renaming would overwrite."""
    try:
        path.hardlink_to(partial)
    except FileExistsError as error:
        raise BackupError(f"{path} exists already; give another name, or --replace") from error
