"""Decompression with a limit of bytes that all streams of a document share, failed streams included."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress

_READ = 4096  # bytes of input at once, since the unused rest is copied each time
_WRITTEN = 16 * 1024  # bytes of output at once, since an error loses the pending output and its size
_END = 3  # bytes, of the checksum


class UnpackLimitError(Exception):
    """The document unpacks to more than the limit."""


class Unpacker:
    """A decompressor that stops when all streams together have read or written `most` bytes.

    A failed stream counts as one piece of input.
    """

    def __init__(self, most: int) -> None:
        """Create an unpacker for at most `most` bytes."""
        self._remaining = most

    def unpack(self, data: bytes) -> bytes:
        """Return the content of an intact stream. Raises zlib.error or UnpackLimitError."""
        decompressor = zlib.decompressobj()
        chunks = [
            out
            for start in range(0, len(data), _READ)
            for out in self._chunks(decompressor, data[start : start + _READ])
        ]
        if not decompressor.eof:
            raise zlib.error("the stream has no end")
        return b"".join(chunks)

    def unpack_damaged(self, data: bytes) -> bytes:
        """Return the content of a stream whose end is missing or wrong.

        Raises zlib.error if more than the end is damaged; UnpackLimitError.
        """
        decompressor = zlib.decompressobj()
        checksum_start = max(len(data) - _END, 0)
        chunks: list[bytes] = []
        for start in range(0, checksum_start, _READ):
            chunks += self._chunks(decompressor, data[start : min(start + _READ, checksum_start)])
        with suppress(zlib.error):
            for start in range(checksum_start, len(data)):
                chunks += self._chunks(decompressor, data[start : start + 1])
        return b"".join(chunks)

    def measure(self, data: memoryview) -> None:
        """Count the content of a stream, intact or not, and discard it. Raises UnpackLimitError."""
        decompressor = zlib.decompressobj()
        with suppress(zlib.error):
            for start in range(0, len(data), _READ):
                for _ in self._chunks(decompressor, bytes(data[start : start + _READ])):
                    pass
                if decompressor.eof:
                    return

    def _chunks(self, decompressor: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
        while not decompressor.eof:
            try:
                chunk = decompressor.decompress(piece, _WRITTEN)
            except zlib.error:
                self.count(_READ)
                raise
            self.count(len(chunk) + len(piece) - len(decompressor.unconsumed_tail))
            yield chunk
            piece = decompressor.unconsumed_tail
            if not piece and len(chunk) < _WRITTEN:
                return

    def count(self, size: int) -> None:
        """Subtract `size` bytes from the limit. Raises UnpackLimitError."""
        self._remaining -= size
        if self._remaining < 0:
            raise UnpackLimitError
