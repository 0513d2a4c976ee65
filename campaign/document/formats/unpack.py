"""Unpacking within a bound of bytes that all streams of a document share, where it fails as well."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress

_READ = 4096  # bytes of input at once, for what is left of it is copied each time
_WRITTEN = 16 * 1024  # bytes of output at once, for what an error comes upon is lost, and so is its number
_END = 3  # bytes, of the checksum


class UnpackLimitError(Exception):
    """The document unpacks to more than it may."""


class Unpacker:
    """Inflates streams until all together have read or written so many bytes; one that fails counts for a piece."""

    def __init__(self, most: int) -> None:
        self._left = most

    def whole(self, data: bytes) -> bytes:
        """Return what a sound stream holds. Raises zlib.error or UnpackLimitError."""
        packer = zlib.decompressobj()
        found = [out for at in range(0, len(data), _READ) for out in self._fed(packer, data[at : at + _READ])]
        if not packer.eof:
            raise zlib.error("the stream has no end")
        return b"".join(found)

    def salvaged(self, data: bytes) -> bytes:
        """Return what a stream holds whose end is missing or wrong. Raises as `whole` does where more is damaged."""
        packer = zlib.decompressobj()
        edge = max(len(data) - _END, 0)
        found: list[bytes] = []
        for at in range(0, edge, _READ):
            found += self._fed(packer, data[at : min(at + _READ, edge)])
        with suppress(zlib.error):
            for at in range(edge, len(data)):
                found += self._fed(packer, data[at : at + 1])
        return b"".join(found)

    def measure(self, data: memoryview) -> None:
        """Count what a stream holds, sound or not, and drop it. Raises UnpackLimitError."""
        packer = zlib.decompressobj()
        with suppress(zlib.error):
            for at in range(0, len(data), _READ):
                for _ in self._fed(packer, bytes(data[at : at + _READ])):
                    pass
                if packer.eof:
                    return

    def _fed(self, packer: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
        while not packer.eof:
            try:
                out = packer.decompress(piece, _WRITTEN)
            except zlib.error:
                self.count(_READ)
                raise
            self.count(len(out) + len(piece) - len(packer.unconsumed_tail))
            yield out
            piece = packer.unconsumed_tail
            if not piece and len(out) < _WRITTEN:
                return

    def count(self, size: int) -> None:
        """Take so many bytes from the bound. Raises UnpackLimitError."""
        self._left -= size
        if self._left < 0:
            raise UnpackLimitError
