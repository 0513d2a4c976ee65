"""The check, without a database, that a backup is complete and has as many rows in each table as it declares."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from pyrage.x25519 import Identity

from campaign.domain.backup.backup_file import BackupError, BackupReader, ByteWriter, Manifest, unseal
from campaign.services.backup.embedded import DatabaseImage, check_counts
from campaign.services.backup.server import CountingTarget


def verify_backup(path: Path, key: Identity) -> Manifest:
    """Read the backup to its end, count its rows, and return its manifest. Raises BackupError."""
    targets: list[DatabaseImage | CountingTarget] = []

    def open_dump(manifest: Manifest) -> ByteWriter:
        targets.append(DatabaseImage() if manifest.database == "sqlite" else CountingTarget())
        return targets[0]

    try:
        with open_backup(path) as file:
            manifest = unseal(file, BackupReader(open_dump), key)
        counts = targets[0].counts()
    finally:
        for target in targets:
            target.close()
    check_counts(manifest, counts)
    return manifest


def open_backup(path: Path) -> IO[bytes]:
    """Return the opened file. Raises BackupError where it cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error
