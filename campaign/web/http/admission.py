"""Admission of requests while the database hangs: some threads are reserved for reading and one for health checks.

As long as answers come, every request is admitted. Requests beyond the unreserved threads may wait for the database
only briefly, and are refused at once if nothing has been answered for a while: a 503 now is better than a page that
never comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The key of the application's extension.
ADMISSION = "tocsin_admission"
# The key in a request's environment for the seconds that it may wait for the database; 0 refuses it.
SECONDS = "tocsin.seconds"
_SHORT_WAIT = 3.0  # seconds
_STANDSTILL = 2.0  # seconds without an answer
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEALTH_PATHS = frozenset({"/healthz", "/readyz"})


class _RequestClass:
    """The running requests of one kind, and the time of the last good answer to one of them."""

    def __init__(self, reserved: int) -> None:
        """Create the class with the number of threads reserved for others."""
        self.reserved = reserved
        self.running = 0
        self.answered_at = 0.0


class Admission:
    """A wrapper of both applications; `threads` is the number of threads of this process, None if unknown."""

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
        request_class = self._reads if environ["REQUEST_METHOD"] in _SAFE_METHODS else self._writes
        seconds = self._enter(request_class, threads)
        if seconds is not None:
            environ[SECONDS] = seconds

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

    def _enter(self, request_class: _RequestClass, threads: int) -> float | None:
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
            return 0.0 if now - request_class.answered_at >= _STANDSTILL else _SHORT_WAIT
