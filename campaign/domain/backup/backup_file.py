"""The format of a backup file: a manifest and the dump, encrypted so that only the private key decrypts them.

The encryption is age (age-encryption.org/v1), so that any age program can decrypt it. The content is a line with the
name of the format, a line of JSON (the manifest), and the dump.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from pyrage import DecryptError, EncryptError, IdentityError, RecipientError, decrypt_io, encrypt_io
from pyrage.x25519 import Identity, Recipient

from campaign.domain.errors import TocsinError

MAGIC = b"tocsin backup 1\n"
# The prefix of every private key.
_PRIVATE_KEY_PREFIX = "AGE-SECRET-KEY-"
_MAX_HEADER_BYTES = 1 << 20


class BackupError(TocsinError):
    """A backup cannot be made, opened or restored. The message gives the reason and what to do."""


class ByteReader(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        ...


class ByteWriter(Protocol):
    """A sink for bytes."""

    def write(self, content: bytes, /) -> object:
        """Write the bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a backup. `counts` are rows by table; `index_key` identifies the key without revealing it."""

    database: str
    revision: str
    taken_at: datetime
    index_key: str
    counts: dict[str, int]

    def as_header(self) -> bytes:
        """Return the bytes that precede the dump."""
        return MAGIC + json.dumps(asdict(self), default=datetime.isoformat, sort_keys=True).encode() + b"\n"


class BackupReader:
    """A sink for a decrypted backup. It reads the header, and writes the dump to the sink that `open_dump` returns."""

    def __init__(self, open_dump: Callable[[Manifest], ByteWriter]) -> None:
        self._open_dump = open_dump
        self._header = b""
        self._dump: ByteWriter | None = None
        self.manifest: Manifest | None = None

    def write(self, content: bytes) -> int:
        """Process the next bytes. Raises BackupError if the file is not a backup."""
        if self._dump is not None:
            self._dump.write(content)
            return len(content)
        self._header += content
        lines = self._header.split(b"\n", 2)
        if not self._header.startswith(MAGIC[: len(self._header)]) or len(self._header) > _MAX_HEADER_BYTES:
            raise BackupError("the file was not made by `flask backup create`, or by a newer version of it")
        if len(lines) == 3:
            self.manifest = _manifest(lines[1])
            self._dump = self._open_dump(self.manifest)
            self._dump.write(lines[2])
        return len(content)

    def flush(self) -> None:
        """Do nothing: no bytes are buffered."""


def new_key() -> tuple[str, str]:
    """Return a new private key and its public key."""
    identity = Identity.generate()
    return str(identity), str(identity.to_public())


def read_public_keys(keys: Sequence[str]) -> list[Recipient]:
    """Return the keys to encrypt to. Raises BackupError if there is none, or a text is not a public key."""
    if not keys:
        raise BackupError("to whom? Set TOCSIN_BACKUP_KEY to a public key; `flask backup key` makes a pair")
    try:
        return [Recipient.from_str(key) for key in keys]
    except RecipientError as error:
        raise BackupError(f"a public key begins with age1 and is copied whole: {error}") from error


def read_private_key(text: str) -> Identity:
    """Return the private key in the text of a file of `flask backup key` or age-keygen. Raises BackupError."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith(_PRIVATE_KEY_PREFIX)]
    if len(lines) != 1:
        raise BackupError(f"the key file must hold one line that begins with {_PRIVATE_KEY_PREFIX}, not {len(lines)}")
    try:
        return Identity.from_str(lines[0])
    except IdentityError as error:
        raise BackupError(f"the private key is damaged: {error}") from error


def seal(reader: ByteReader, writer: ByteWriter, keys: list[Recipient]) -> None:
    """Encrypt all bytes of the reader into the writer. Errors of both are raised unchanged."""
    source, sink = _ErrorRecorder(reader.read), _ErrorRecorder(writer.write)
    try:
        encrypt_io(_FileLike(read=source), _FileLike(write=sink, flush=lambda: None), keys)
    except (EncryptError, OSError) as error:
        raise source.error or sink.error or BackupError(f"it cannot be encrypted: {error}") from error


def unseal(reader: ByteReader, backup_reader: BackupReader, key: Identity) -> Manifest:
    """Decrypt a backup into `backup_reader`, and return its manifest. Only authenticated bytes are passed on.

    Errors of `backup_reader` are raised unchanged.

    Raises:
        BackupError: The file cannot be decrypted; then `backup_reader` has received a part of it only.
    """
    sink = _ErrorRecorder(backup_reader.write)
    try:
        decrypt_io(reader, _FileLike(write=sink, flush=lambda: None), [key])
    except DecryptError as error:
        if sink.error:
            raise sink.error from error
        reason = "this key does not open it" if "matching" in str(error) else "it is no backup, or its start is damaged"
        raise BackupError(reason) from error
    except OSError as error:
        raise sink.error or BackupError("the file is damaged or cut short") from error
    if backup_reader.manifest is None:
        raise BackupError("the file was not made by `flask backup create`, or by a newer version of it")
    return backup_reader.manifest


class _ErrorRecorder:
    """A wrapper that stores the exception raised inside it, of which the library passes on the message only."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self.error: Exception | None = None

    def __call__(self, argument: Any) -> Any:
        try:
            return self._function(argument)
        except Exception as error:
            self.error = error
            raise


class _FileLike:
    """A file with only the methods that the library calls."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        vars(self).update(methods)


def _manifest(line: bytes) -> Manifest:
    """Return the manifest in a line of JSON. Raises BackupError."""
    try:
        values = json.loads(line)
        return Manifest(**values | {"taken_at": datetime.fromisoformat(values["taken_at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BackupError("the backup's own description cannot be read: was it made by a newer version?") from error
