"""Admission of requests while the database hangs: some threads are reserved for reading and one for health checks.

A request that finds an unreserved thread waits for the database as long as usual. A request beyond them may wait only
briefly. If nothing has been answered for a while, it is refused at once: an immediate 503 is better than a page that
never comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The name under which the application stores its `Admission`.
EXTENSION = "tocsin_admission"
# The key in a request's environment for the seconds that it may wait for the database; 0 refuses it.
WAIT_SECONDS = "tocsin.seconds"
_SHORT_WAIT_SECONDS = 3.0  # seconds
_STANDSTILL_SECONDS = 2.0  # seconds without an answer
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEALTH_PATHS = frozenset({"/healthz", "/readyz"})


class _RequestClass:
    """The running requests that read, or those that write, and the time of the last good answer to one of them."""

    def __init__(self, reserved: int) -> None:
        """Create the class; it leaves the `reserved` number of threads to other requests."""
        self.reserved = reserved
        self.running = 0
        self.answered_at = 0.0


class Admission:
    """A wrapper of both applications; `threads` is the number of threads of this process, or None if unknown."""

    def __init__(self, application: WSGIApplication, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap the application."""
        self.threads: int | None = None
        self._application = application
        self._clock = clock
        self._lock = threading.Lock()
        self._reads, self._writes = _RequestClass(1), _RequestClass(2)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, with the seconds that it may wait for the database in its environment."""
        threads = self.threads
        if threads is None or threads < 3 or environ["PATH_INFO"] in _HEALTH_PATHS:
            return self._application(environ, start_response)
        request_class = self._reads if environ["REQUEST_METHOD"] in SAFE_METHODS else self._writes
        seconds = self._start(request_class, threads)
        if seconds is not None:
            environ[WAIT_SECONDS] = seconds

        def start_response_noting_time(
            status: str, headers: list[tuple[str, str]], *rest: object
        ) -> Callable[[bytes], object]:
            if not status.startswith("503"):
                request_class.answered_at = self._clock()
            return start_response(status, headers, *rest)  # type: ignore[arg-type]

        try:
            # The finished body is sent after this, so that slow clients do not count as running requests.
            return self._application(environ, start_response_noting_time)
        finally:
            with self._lock:
                request_class.running -= 1

    def _start(self, request_class: _RequestClass, threads: int) -> float | None:
        """Count the request as running; return the seconds that it may wait, 0 to refuse it, None for no limit."""
        with self._lock:
            request_class.running += 1
            now = self._clock()
            if request_class.running == 1:
                request_class.answered_at = now
            running = (
                request_class.running if request_class is self._writes else self._reads.running + self._writes.running
            )
            if running <= threads - request_class.reserved:
                return None
            return 0.0 if now - request_class.answered_at >= _STANDSTILL_SECONDS else _SHORT_WAIT_SECONDS
