"""The gunicorn worker class: it buffers requests, and reloads without a gap.

A request occupies a thread only once all of it has arrived, and at a reload the old processes serve until the new ones
are ready. gunicorn's master imports this file (gunicorn.conf.py), so it imports nothing else of the project: what the
master has loaded, its workers would not load anew.
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

# Time limits for the head, and for the whole request, which may be an upload from a slow telephone.
HEAD_SECONDS, REQUEST_SECONDS = 10.0, 60.0
# A thread that still waits for its client, which does not read the response, is freed after so long without a byte.
_STALLED_SECONDS = 20
_MOST_HEAD = 64 * 1024
# More than any form needs. A larger request is handed over unread, and the application refuses it by its length.
_MOST_BODY = 8 * 1024 * 1024
_MOST_STORED = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_CLOSING_SECONDS, _MOST_DRAINED = 2.0, 16
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
# At a reload, an old process serves no longer than this, even if the new ones are not ready.
_LINGER_SECONDS = 20.0
# Shared by the master and its workers: the age of the newest worker before the reload, how many were started by it,
# and which of them are ready.
_shared = mmap.mmap(-1, mmap.PAGESIZE)
_RELOAD, _FLAGS, _AGES = struct.Struct("QQ"), 64, 2048


class PartialRequest:
    """A request that is still being received."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.deadline = time.monotonic() + HEAD_SECONDS
        self._head, self._needed, self._is_asking = -1, 0, False
        self._chunk = -1  # where the next chunk begins, in a body of chunks

    def is_whole(self) -> bool:
        """Return whether the parser can finish without waiting, with a request or with an error."""
        if self._head < 0 and not self._finds_head():
            return len(self.data) > _MOST_HEAD
        if self._chunk >= 0:
            return len(self.data) > _MOST_BODY or self._has_last_chunk()
        return len(self.data) >= self._needed

    def asks_to_go_on(self) -> bool:
        """Return True once if the client waits for "100 Continue" before it sends the body (RFC 9110, 10.1.1)."""
        if self._head < 0 or not self._is_asking:
            return False
        self._is_asking = False
        return True

    def _finds_head(self) -> bool:
        end = self.data.find(_END)
        if end < 0:
            return False
        self._head = end + len(_END)
        head = bytes(self.data[: self._head])
        self.deadline += REQUEST_SECONDS - HEAD_SECONDS
        self._is_asking = _EXPECT.search(head) is not None
        lengths = [int(length) for length in _LENGTH.findall(head)]
        length = max(lengths, default=0)
        self._needed = self._head + (length if length <= _MOST_BODY else 0)
        if _CHUNKED.search(head):
            self._chunk = self._head
        return True

    def _has_last_chunk(self) -> bool:
        while (end := self.data.find(b"\r\n", self._chunk)) >= 0:
            try:
                size = int(bytes(self.data[self._chunk : end]).partition(b";")[0], 16)
            except ValueError:
                return True  # the parser refuses it
            if size <= 0:
                return self.data.find(_END, end) >= 0
            if len(self.data) < end + 2 + size + 2:
                return False
            self._chunk = end + 2 + size + 2
        return len(self.data) - self._chunk > _MOST_HEAD


class _Connection(TConn):
    """A connection with the bytes received for its next request."""

    received = b""

    def init(self) -> None:
        """Prepare the parser and give it the bytes that have arrived."""
        super().init()
        if self.received:
            self.parser.unreader.unread(self.received)
            self.received = b""


class BufferingWorker(ThreadWorker):
    """gunicorn's worker with threads, except that waiting for a slow client occupies no thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[_Connection, PartialRequest] = {}
        self._closing: dict[_Connection, float] = {}
        self._stored = 0
        self._leave_at: float | None = None

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; if there are too many, close the one that has been waiting longest."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED}:
                return
            raise
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            client.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _STALLED_SECONDS, 0))
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections and (idle := self._closing or self._arriving):
            self._drop(next(iter(idle)))
        self._receive(_Connection(self.cfg, client, address, listener.getsockname()), PartialRequest())

    def enqueue_req(self, conn: _Connection) -> None:
        """Start the next request of a connection; part of it may have arrived with the previous one."""
        conn.sock.setblocking(False)
        arriving = PartialRequest(conn.parser.unreader.take_buffered())
        if arriving.data and arriving.is_whole():
            self._hand_over(conn, arriving)
        else:
            self._receive(conn, arriving)

    def _receive(self, conn: _Connection, arriving: PartialRequest, _socket: Any = None) -> None:
        """Receive the bytes that are there, and hand the request over if it is complete."""
        try:
            data = conn.sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            self._wait(conn, arriving)
            return
        except OSError:
            data = b""
        arriving.data += data
        if conn in self._arriving:
            self._stored += len(data)
        if not data or self._stored > _MOST_STORED:
            self._drop(conn)
        elif arriving.is_whole():
            self._hand_over(conn, arriving)
        else:
            if arriving.asks_to_go_on():
                self._say_go_on(conn)
            self._wait(conn, arriving)

    def _wait(self, conn: _Connection, arriving: PartialRequest) -> None:
        if conn not in self._arriving:
            self._arriving[conn] = arriving
            self._stored += len(arriving.data)
            self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn, arriving))

    def _hand_over(self, conn: _Connection, arriving: PartialRequest) -> None:
        self._forget(conn)
        conn.received, conn.data_ready = bytes(arriving.data), True
        super().enqueue_req(conn)

    def _say_go_on(self, conn: _Connection) -> None:
        with suppress(OSError):  # the next recv reports the error
            conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def finish_request(self, conn: _Connection, fs: Future[Any]) -> None:
        """Continue after a response; after the last one, close the connection without blocking.

        gunicorn blocks for up to two seconds until the client has read everything (RFC 9112, 9.6), and accepts no
        connection meanwhile; here the event loop waits.
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

    def _drain(self, conn: _Connection, drained: list[int], _socket: Any) -> None:
        try:
            data = conn.sock.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        drained.append(len(data))
        if not data or len(drained) > _MOST_DRAINED:
            self._drop(conn)

    def _drop(self, conn: _Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: _Connection) -> None:
        arriving = self._arriving.pop(conn, None)
        if arriving is not None:
            self._stored -= len(arriving.data)
        if arriving is not None or self._closing.pop(conn, 0.0):
            self.poller.unregister(conn.sock)

    def murder_pending(self) -> None:
        """Close the connections whose request does not arrive in time, and those whose client does not close them."""
        now = time.monotonic()
        late = [conn for conn, arriving in self._arriving.items() if arriving.deadline <= now]
        for conn in late + [conn for conn, until in self._closing.items() if until <= now]:
            self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Limit, at the end of the process, requests that are still arriving to the time of idle connections."""
        super()._cap_keepalive(deadline)
        for arriving in self._arriving.values():
            arriving.deadline = min(arriving.deadline, deadline)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Continue at a reload until the new version's processes are ready; otherwise, or at a second signal, end."""
        if self._leave_at is None and self.age <= _RELOAD.unpack_from(_shared)[0]:
            self._leave_at = time.monotonic() + _LINGER_SECONDS
        else:
            super().handle_exit(sig, frame)

    def notify(self) -> None:
        """Tell the master that this worker is alive. gunicorn calls it at each turn of the loop."""
        super().notify()
        if self.alive and self._leave_at is not None and (_are_ready() or time.monotonic() >= self._leave_at):
            super().handle_exit(signal.SIGTERM, None)


def use(server: Any) -> None:
    """Use this worker class instead of gunicorn's worker with threads, unless gunicorn does TLS or HTTP/2 itself."""
    cfg = server.cfg
    if (
        server.worker_class is ThreadWorker
        and not cfg.is_ssl
        and cfg.protocol == "http"
        and cfg.http2_cleartext == "off"
    ):
        server.worker_class = BufferingWorker


def begin_reload(server: Any) -> None:
    """Record which workers are old, before the new ones are started."""
    _shared[_FLAGS : _FLAGS + _AGES] = bytes(_AGES)
    _RELOAD.pack_into(_shared, 0, server.worker_age, server.cfg.workers)


def say_ready(worker: Any) -> None:
    """Record that this worker accepts connections from now on."""
    _shared[_FLAGS + worker.age % _AGES] = 1


def _are_ready() -> bool:
    newest_old, started = _RELOAD.unpack_from(_shared)
    return all(_shared[_FLAGS + (newest_old + number) % _AGES] for number in range(1, started + 1))
