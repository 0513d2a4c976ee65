"""Decompression with a limit of bytes that all streams of a document share, failed streams included."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress

_INPUT_SIZE = 4096  # bytes of input at once, since the unused rest is copied each time
_OUTPUT_SIZE = 16 * 1024  # bytes of output at once, since an error loses the pending output and its size
_CHECKSUM_TAIL = 3  # bytes at the end of a stream that are read one by one; its checksum has four


class UnpackLimitError(Exception):
    """The document unpacks to more than the limit."""


class Unpacker:
    """A decompressor that stops when all streams together have read or written `max_bytes` bytes.

    A failed stream counts as one piece of input.
    """

    def __init__(self, max_bytes: int) -> None:
        """Create an unpacker for at most `max_bytes` bytes."""
        self._remaining = max_bytes

    def unpack(self, data: bytes) -> bytes:
        """Return the content of an intact stream. Raises zlib.error or UnpackLimitError."""
        decompressor = zlib.decompressobj()
        chunks = [
            chunk
            for start in range(0, len(data), _INPUT_SIZE)
            for chunk in self._unpacked_chunks(decompressor, data[start : start + _INPUT_SIZE])
        ]
        if not decompressor.eof:
            raise zlib.error("the stream has no end")
        return b"".join(chunks)

    def unpack_damaged(self, data: bytes) -> bytes:
        """Return the content of a stream whose end is missing or wrong.

        Raises zlib.error if more than the end is damaged; UnpackLimitError.
        """
        decompressor = zlib.decompressobj()
        checksum_start = max(len(data) - _CHECKSUM_TAIL, 0)
        chunks: list[bytes] = []
        for start in range(0, checksum_start, _INPUT_SIZE):
            chunks += self._unpacked_chunks(decompressor, data[start : min(start + _INPUT_SIZE, checksum_start)])
        with suppress(zlib.error):
            for start in range(checksum_start, len(data)):
                chunks += self._unpacked_chunks(decompressor, data[start : start + 1])
        return b"".join(chunks)

    def measure(self, data: memoryview) -> None:
        """Count the content of a stream, intact or not, and discard it. Raises UnpackLimitError."""
        decompressor = zlib.decompressobj()
        with suppress(zlib.error):
            for start in range(0, len(data), _INPUT_SIZE):
                for _ in self._unpacked_chunks(decompressor, bytes(data[start : start + _INPUT_SIZE])):
                    pass
                if decompressor.eof:
                    return

    def _unpacked_chunks(self, decompressor: zlib._Decompress, unread: bytes) -> Iterator[bytes]:
        """Yield the content of the next input in chunks, and count input and output."""
        while not decompressor.eof:
            try:
                chunk = decompressor.decompress(unread, _OUTPUT_SIZE)
            except zlib.error:
                self.count(_INPUT_SIZE)
                raise
            self.count(len(chunk) + len(unread) - len(decompressor.unconsumed_tail))
            yield chunk
            unread = decompressor.unconsumed_tail
            if not unread and len(chunk) < _OUTPUT_SIZE:
                return

    def count(self, size: int) -> None:
        """Subtract `size` bytes from the limit. Raises UnpackLimitError."""
        self._remaining -= size
        if self._remaining < 0:
            raise UnpackLimitError
