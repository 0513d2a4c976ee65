"""A backup file: what it says about itself, and the envelope around it, which only the private key opens.

The envelope is age (age-encryption.org/v1): any age program opens it too. Inside: a line that says what it is, a line
of JSON, and the dump.
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
# How every private key begins.
_BEGINNING = "AGE-SECRET-KEY-"
_HEADER_LIMIT = 1 << 20


class BackupError(TocsinError):
    """A backup cannot be made, opened or restored; the message says why and what to do."""


class ByteReader(Protocol):
    """Where bytes come from: at most so many, none at the end."""

    def read(self, size: int, /) -> bytes: ...


class ByteWriter(Protocol):
    """Where bytes go."""

    def write(self, content: bytes, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in the backup: `counts` are rows by table, `index_key` names the index key without telling it."""

    database: str
    revision: str
    taken_at: datetime
    index_key: str
    counts: dict[str, int]

    def as_header(self) -> bytes:
        """What stands before the dump."""
        return MAGIC + json.dumps(asdict(self), default=datetime.isoformat, sort_keys=True).encode() + b"\n"


class BackupReader:
    """Takes what comes out of the envelope: reads the header, then hands the dump to whatever `begin` returns for it.

    `write` raises BackupError where the file holds no backup.
    """

    def __init__(self, begin: Callable[[Manifest], ByteWriter]) -> None:
        self._begin = begin
        self._head = b""
        self._body: ByteWriter | None = None
        self.manifest: Manifest | None = None

    def write(self, content: bytes) -> int:
        """The next bytes."""
        if self._body is not None:
            self._body.write(content)
            return len(content)
        self._head += content
        lines = self._head.split(b"\n", 2)
        if not self._head.startswith(MAGIC[: len(self._head)]) or len(self._head) > _HEADER_LIMIT:
            raise BackupError("the file was not made by `flask backup create`, or by a newer version of it")
        if len(lines) == 3:
            self.manifest = _manifest(lines[1])
            self._body = self._begin(self.manifest)
            self._body.write(lines[2])
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""


def new_key() -> tuple[str, str]:
    """A private key and its public key."""
    identity = Identity.generate()
    return str(identity), str(identity.to_public())


def read_public_keys(keys: Sequence[str]) -> list[Recipient]:
    """The keys to encrypt to. Raises BackupError where there is none, or one is something else."""
    if not keys:
        raise BackupError("to whom? Set TOCSIN_BACKUP_KEY to a public key; `flask backup key` makes a pair")
    try:
        return [Recipient.from_str(key) for key in keys]
    except RecipientError as error:
        raise BackupError(f"a public key begins with age1 and is copied whole: {error}") from error


def read_private_key(text: str) -> Identity:
    """The key in a file as `flask backup key` or age-keygen writes it. Raises BackupError."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith(_BEGINNING)]
    if len(lines) != 1:
        raise BackupError(f"the key file must hold one line that begins with {_BEGINNING}, not {len(lines)}")
    try:
        return Identity.from_str(lines[0])
    except IdentityError as error:
        raise BackupError(f"the private key is damaged: {error}") from error


def seal(reader: ByteReader, writer: ByteWriter, keys: list[Recipient]) -> None:
    """Encrypts all that can be read. What reader or writer raise comes through."""
    guarded, kept = _Guarded(reader.read), _Guarded(writer.write)
    try:
        encrypt_io(_Face(read=guarded), _Face(write=kept, flush=lambda: None), keys)
    except (EncryptError, OSError) as error:
        raise guarded.error or kept.error or BackupError(f"it cannot be encrypted: {error}") from error


def unseal(reader: ByteReader, opening: BackupReader, key: Identity) -> Manifest:
    """Opens the envelope and hands on what is in it, each byte proven. Raises BackupError; then what was handed on is
    not the whole. What `opening` raises comes through."""
    kept = _Guarded(opening.write)
    try:
        decrypt_io(reader, _Face(write=kept, flush=lambda: None), [key])
    except DecryptError as error:
        if kept.error:
            raise kept.error from error
        reason = "this key does not open it" if "matching" in str(error) else "it is no backup, or its start is damaged"
        raise BackupError(reason) from error
    except OSError as error:
        raise kept.error or BackupError("the file is damaged or cut short") from error
    if opening.manifest is None:
        raise BackupError("the file was not made by `flask backup create`, or by a newer version of it")
    return opening.manifest


class _Guarded:
    """Remembers what was raised inside: the library hands on its words only."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self.error: Exception | None = None

    def __call__(self, argument: Any) -> Any:
        try:
            return self._function(argument)
        except Exception as error:
            self.error = error
            raise


class _Face:
    """A file with just the methods that the library asks for."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        vars(self).update(methods)


def _manifest(line: bytes) -> Manifest:
    try:
        said = json.loads(line)
        return Manifest(**said | {"taken_at": datetime.fromisoformat(said["taken_at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BackupError("the backup's own description cannot be read: was it made by a newer version?") from error
