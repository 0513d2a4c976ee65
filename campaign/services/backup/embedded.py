"""The backup of the embedded database: SQLite's online backup into memory, and the restore from memory."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, func, select, table
from sqlalchemy.dialects import sqlite

from campaign.domain.backup.backup_file import BackupError, ByteReader, Manifest
from campaign.domain.privacy.cipher import Vault

_CHUNK_BYTES = 1 << 16
_BUSY_SECONDS = 30
_SQLITE = sqlite.dialect()


@contextmanager
def source(engine: Engine, now: datetime, vault: Vault) -> Iterator[tuple[Manifest, ByteReader]]:
    """Yield the manifest and a reader of the database. Sign-ups continue meanwhile, and no unencrypted copy is on disk.

    Raises BackupError.
    """
    address = Path(str(engine.url.database)).absolute().as_uri() + "?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as live,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            live.backup(copy)
            revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            manifest = Manifest("sqlite", str(revision[0]), now, vault.index_key_id, _counts(copy))
            image = copy.serialize()
    except (sqlite3.Error, TypeError) as error:
        raise BackupError(f"{engine.url.database} cannot be read: {error} (did `flask db upgrade` run?)") from error
    except MemoryError as error:
        raise BackupError(f"{engine.url.database} does not fit into memory: go to PostgreSQL") from error
    yield manifest, _CompressedImage(image)


class DatabaseImage:
    """A database in memory, read from a backup."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj()
        self._content = bytearray()

    def write(self, content: bytes) -> None:
        """Add the next bytes of the compressed file."""
        self._content += self._decompressor.decompress(content)

    def counts(self) -> dict[str, int]:
        """Return the number of rows by table. Raises BackupError."""
        with closing(self._open()) as database:
            return _counts(database)

    def close(self) -> None:
        """Free the memory."""
        self._content = bytearray()

    def _open(self) -> sqlite3.Connection:
        """Return the database after checking its integrity. Raises BackupError."""
        self._content += self._decompressor.flush()
        # A database in memory has no write-ahead log. The application switches it on again by itself.
        self._content[18:20] = b"\x01\x01"
        database = sqlite3.connect(":memory:")
        try:
            database.deserialize(bytes(self._content))
            self.close()
            problems = [str(row[0]) for row in database.execute("PRAGMA integrity_check")]
            problems += [f"foreign key in {row[0]}" for row in database.execute("PRAGMA foreign_key_check")]
        except sqlite3.Error as error:
            problems = [str(error)]
        if problems != ["ok"]:
            database.close()
            raise BackupError(f"the database in the backup is damaged: {'; '.join(problems[:3])}")
        return database


class EmbeddedTarget(DatabaseImage):
    """The database to restore a backup into, in one transaction: readers see the former content or the new."""

    def __init__(self, engine: Engine, *, replace: bool) -> None:
        """Prepare the restore. Raises BackupError where a database exists already, unless `replace` is true."""
        super().__init__()
        self._path = Path(str(engine.url.database))
        engine.dispose()
        if not replace and self._path.exists() and not self._is_empty():
            raise BackupError(f"{self._path} holds a database already; --replace puts the backup in its place")

    def finish(self, manifest: Manifest) -> None:
        """Replace the content of the database. Raises BackupError; then the former content is unchanged."""
        is_new = not self._path.exists()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(self._open()) as database:
                check_counts(manifest, _counts(database))
                with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as target:
                    target.execute("PRAGMA synchronous = FULL")
                    database.backup(target)
        except sqlite3.Error as error:
            if is_new:
                self._path.unlink(missing_ok=True)
            reason = f"{error}; stop web and workers first" if "locked" in str(error) else str(error)
            raise BackupError(f"{self._path} cannot be written: {reason}") from error

    def _is_empty(self) -> bool:
        """Return whether the existing file is a database without tables. Raises BackupError if it is no database."""
        try:
            with closing(sqlite3.connect(self._path)) as database:
                return not _counts(database)
        except sqlite3.Error as error:
            raise BackupError(f"{self._path} is something else: {error}; move it away, or --replace it") from error


def check_counts(manifest: Manifest, counts: dict[str, int]) -> None:
    """Raise BackupError where a table has another number of rows than was backed up."""
    differing = sorted(name for name, number in manifest.counts.items() if counts.get(name) != number)
    if differing:
        raise BackupError(f"the backup says that it holds other rows than it does: {', '.join(differing)}")


def _counts(database: sqlite3.Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'")
    return {
        # The name may come from a backup that an attacker has made. Quoted, it cannot become SQL.
        name: int(
            database.execute(str(select(func.count()).select_from(table(name)).compile(dialect=_SQLITE))).fetchone()[0]
        )
        for (name,) in tables.fetchall()
    }


class _CompressedImage:
    """A reader that compresses an image in memory as it is read."""

    def __init__(self, image: bytes) -> None:
        self._image = memoryview(image)
        self._position = 0
        self._compressor = zlib.compressobj()
        self._compressed = bytearray()
        self._has_ended = False

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        while len(self._compressed) < size and not self._has_ended:
            part = self._image[self._position : self._position + _CHUNK_BYTES]
            self._position += len(part)
            self._has_ended = not part
            self._compressed += self._compressor.compress(part) if part else self._compressor.flush()
        content = bytes(self._compressed[:size])
        del self._compressed[:size]
        return content
