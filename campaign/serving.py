"""The gunicorn worker class, which buffers requests, and reloads without an interruption.

A request occupies a thread only once all of it has arrived. At a reload the old processes serve until the new ones are
ready. gunicorn's master imports this file (gunicorn.conf.py). It imports nothing else of the project, because workers
do not load again what the master has loaded.
"""

from __future__ import annotations

import errno
import mmap
import re
import signal
import socket
import struct
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# Time limits for the head and for the whole request, which may be an upload from a slow mobile phone.
HEAD_SECONDS, REQUEST_SECONDS = 10.0, 60.0
# A thread that sends a response is freed after so many seconds in which the client has read no byte.
_STALLED_SECONDS = 20
_MAX_HEAD_BYTES = 64 * 1024
# No form needs more. A larger request is dispatched unread, and the application refuses it by its length.
_MAX_BODY_BYTES = 8 * 1024 * 1024
_MAX_STORED_BYTES = 64 * 1024 * 1024
_RECEIVE_BYTES = 256 * 1024
_CLOSING_SECONDS, _MAX_DRAINED_READS = 2.0, 16
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
# At a reload, an old process ends after so many seconds, even if the new ones are not ready.
_MAX_RELOAD_SECONDS = 20.0
# Memory shared by the master and its workers: the number (gunicorn's `age`) of the newest worker before the reload, how
# many workers the reload starts, and which of them are ready.
_shared = mmap.mmap(-1, mmap.PAGESIZE)
_RELOAD, _FLAGS, _FLAG_COUNT = struct.Struct("QQ"), 64, 2048


class PartialRequest:
    """A request that is still being received."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.deadline = time.monotonic() + HEAD_SECONDS
        self._body_start, self._expected_length, self._expects_continue = -1, 0, False
        self._next_chunk = -1  # the position of the next chunk, in a chunked body

    def is_complete(self) -> bool:
        """Return whether the parser can finish without more bytes, by a request or an error."""
        if self._body_start < 0 and not self._parse_head():
            return len(self.data) > _MAX_HEAD_BYTES
        if self._next_chunk >= 0:
            return len(self.data) > _MAX_BODY_BYTES or self._has_last_chunk()
        return len(self.data) >= self._expected_length

    def must_send_continue(self) -> bool:
        """Return True once if the client waits for "100 Continue" before it sends the body (RFC 9110, 10.1.1)."""
        if self._body_start < 0 or not self._expects_continue:
            return False
        self._expects_continue = False
        return True

    def _parse_head(self) -> bool:
        """Read the length of the body from the head; return False where the head is not complete."""
        end = self.data.find(_END_OF_HEAD)
        if end < 0:
            return False
        self._body_start = end + len(_END_OF_HEAD)
        head = bytes(self.data[: self._body_start])
        self.deadline += REQUEST_SECONDS - HEAD_SECONDS
        self._expects_continue = _EXPECT.search(head) is not None
        lengths = [int(length) for length in _LENGTH.findall(head)]
        length = max(lengths, default=0)
        self._expected_length = self._body_start + (length if length <= _MAX_BODY_BYTES else 0)
        if _CHUNKED.search(head):
            self._next_chunk = self._body_start
        return True

    def _has_last_chunk(self) -> bool:
        """Return whether the chunked body has ended, or is not valid."""
        while (end := self.data.find(b"\r\n", self._next_chunk)) >= 0:
            try:
                size = int(bytes(self.data[self._next_chunk : end]).partition(b";")[0], 16)
            except ValueError:
                return True  # the parser refuses it
            if size <= 0:
                return self.data.find(_END_OF_HEAD, end) >= 0
            if len(self.data) < end + 2 + size + 2:
                return False
            self._next_chunk = end + 2 + size + 2
        return len(self.data) - self._next_chunk > _MAX_HEAD_BYTES


class _Connection(TConn):
    """A connection, with the bytes received of its next request."""

    received = b""

    def init(self) -> None:
        """Prepare the parser and give it the bytes that have arrived."""
        super().init()
        if self.received:
            self.parser.unreader.unread(self.received)
            self.received = b""


class BufferingWorker(ThreadWorker):
    """gunicorn's worker with threads, in which waiting for a slow client occupies no thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiving: dict[_Connection, PartialRequest] = {}
        self._closing: dict[_Connection, float] = {}
        self._stored_bytes = 0
        self._exit_at: float | None = None

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; if there are too many, close the one that has waited longest."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED}:
                return
            raise
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _STALLED_SECONDS, 0))
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections and (idle := self._closing or self._receiving):
            self._drop(next(iter(idle)))
        self._receive(_Connection(self.cfg, client, address, listener.getsockname()), PartialRequest())

    def enqueue_req(self, conn: _Connection) -> None:
        """Receive the next request of a connection. Part of it may have arrived with the previous one."""
        conn.sock.setblocking(False)
        partial_request = PartialRequest(conn.parser.unreader.take_buffered())
        if partial_request.data and partial_request.is_complete():
            self._dispatch(conn, partial_request)
        else:
            self._receive(conn, partial_request)

    def _receive(self, conn: _Connection, partial_request: PartialRequest, _socket: Any = None) -> None:
        """Receive the bytes that have arrived, and dispatch the request if it is complete."""
        try:
            data = conn.sock.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            self._wait(conn, partial_request)
            return
        except OSError:
            data = b""
        partial_request.data += data
        if conn in self._receiving:
            self._stored_bytes += len(data)
        if not data or self._stored_bytes > _MAX_STORED_BYTES:
            self._drop(conn)
        elif partial_request.is_complete():
            self._dispatch(conn, partial_request)
        else:
            if partial_request.must_send_continue():
                self._send_continue(conn)
            self._wait(conn, partial_request)

    def _wait(self, conn: _Connection, partial_request: PartialRequest) -> None:
        if conn not in self._receiving:
            self._receiving[conn] = partial_request
            self._stored_bytes += len(partial_request.data)
            self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn, partial_request))

    def _dispatch(self, conn: _Connection, partial_request: PartialRequest) -> None:
        self._forget(conn)
        conn.received, conn.data_ready = bytes(partial_request.data), True
        super().enqueue_req(conn)

    def _send_continue(self, conn: _Connection) -> None:
        with suppress(OSError):  # the next recv() reports the error
            conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def finish_request(self, conn: _Connection, fs: Future[Any]) -> None:
        """Receive the next request after a response; after the last response, close the connection without blocking.

        gunicorn blocks for up to two seconds until the client has read everything (RFC 9112, 9.6), and accepts no
        connection meanwhile. Here the event loop waits instead.
        """
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self._drop(conn)
            return
        self._closing[conn] = time.monotonic() + _CLOSING_SECONDS
        self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn, []))

    def _drain(self, conn: _Connection, drained_sizes: list[int], _socket: Any) -> None:
        """Read and drop what the client still sends; close the connection at its end, or after many reads."""
        try:
            data = conn.sock.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        drained_sizes.append(len(data))
        if not data or len(drained_sizes) > _MAX_DRAINED_READS:
            self._drop(conn)

    def _drop(self, conn: _Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: _Connection) -> None:
        """Stop watching the connection's socket, and drop the bytes that were stored for it."""
        partial_request = self._receiving.pop(conn, None)
        if partial_request is not None:
            self._stored_bytes -= len(partial_request.data)
        if partial_request is not None or self._closing.pop(conn, 0.0):
            self.poller.unregister(conn.sock)

    def murder_pending(self) -> None:
        """Close connections whose request does not arrive in time, and those that the client does not close in time."""
        now = time.monotonic()
        expired = [conn for conn, partial_request in self._receiving.items() if partial_request.deadline <= now]
        for conn in expired + [conn for conn, until in self._closing.items() if until <= now]:
            self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Limit requests that are still arriving, at the end of the process, to the deadline of idle connections."""
        super()._cap_keepalive(deadline)
        for partial_request in self._receiving.values():
            partial_request.deadline = min(partial_request.deadline, deadline)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Serve on at a reload until the new processes are ready; otherwise, or at a second signal, end."""
        if self._exit_at is None and self.age <= _RELOAD.unpack_from(_shared)[0]:
            self._exit_at = time.monotonic() + _MAX_RELOAD_SECONDS
        else:
            super().handle_exit(sig, frame)

    def notify(self) -> None:
        """Tell the master that this worker is alive. gunicorn calls this in each round of its event loop."""
        super().notify()
        if self.alive and self._exit_at is not None and (_are_new_workers_ready() or time.monotonic() >= self._exit_at):
            super().handle_exit(signal.SIGTERM, None)


def use_buffering_worker(server: Any) -> None:
    """Use this worker class instead of gunicorn's worker with threads, unless gunicorn does TLS or HTTP/2 itself."""
    cfg = server.cfg
    if (
        server.worker_class is ThreadWorker
        and not cfg.is_ssl
        and cfg.protocol == "http"
        and cfg.http2_cleartext == "off"
    ):
        server.worker_class = BufferingWorker


def record_reload(server: Any) -> None:
    """Record which workers are old, before new ones are started."""
    _shared[_FLAGS : _FLAGS + _FLAG_COUNT] = bytes(_FLAG_COUNT)
    _RELOAD.pack_into(_shared, 0, server.worker_age, server.cfg.workers)


def mark_ready(worker: Any) -> None:
    """Record that this worker accepts connections from now on."""
    _shared[_FLAGS + worker.age % _FLAG_COUNT] = 1


def _are_new_workers_ready() -> bool:
    newest_old, started = _RELOAD.unpack_from(_shared)
    return all(_shared[_FLAGS + (newest_old + number) % _FLAG_COUNT] for number in range(1, started + 1))
