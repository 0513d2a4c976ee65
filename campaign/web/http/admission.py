"""Who gets a thread while the database hangs: some are kept for reading, and one for the question whether we live.

As long as answers come, everybody gets in. Those beyond the kept threads may wait for the database only briefly, and
are turned away at once where nothing has been answered for a while: a 503 now is better than a page that never comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Where the application keeps its own.
ADMISSION = "tocsin_admission"
# In the environment of a request: how long it may wait for the database; 0 turns it away.
SECONDS = "tocsin.seconds"
_BRIEFLY = 3.0
_STANDSTILL = 2.0
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS = frozenset({"/healthz", "/readyz"})


class _Lane:
    """The requests of one kind under way, and when one of them was last answered well."""

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.under_way = 0
        self.moved_at = 0.0


class Admission:
    """Wraps both applications. `threads` is how many this process answers with; None where nobody has said."""

    def __init__(self, application: WSGIApplication, clock: Callable[[], float] = time.monotonic) -> None:
        self.threads: int | None = None
        self._application = application
        self._clock = clock
        self._lock = threading.Lock()
        self._reading, self._writing = _Lane(1), _Lane(2)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let it in, with the time it may wait for the database in its environment."""
        threads = self.threads
        if threads is None or threads < 3 or environ["PATH_INFO"] in _ALWAYS:
            return self._application(environ, start_response)
        lane = self._reading if environ["REQUEST_METHOD"] in _READING else self._writing
        seconds = self._enter(lane, threads)
        if seconds is not None:
            environ[SECONDS] = seconds

        def start(status: str, headers: list[tuple[str, str]], *rest: object) -> Callable[[bytes], object]:
            if not status.startswith("503"):
                lane.moved_at = self._clock()
            return start_response(status, headers, *rest)  # type: ignore[arg-type]

        try:
            # Sending what is made is no waiting for the database: whoever reads slowly turns nobody away.
            return self._application(environ, start)
        finally:
            with self._lock:
                lane.under_way -= 1

    def _enter(self, lane: _Lane, threads: int) -> float | None:
        with self._lock:
            lane.under_way += 1
            now = self._clock()
            if lane.under_way == 1:
                lane.moved_at = now
            busy = lane.under_way if lane is self._writing else self._reading.under_way + self._writing.under_way
            if busy <= threads - lane.kept:
                return None
            return 0.0 if now - lane.moved_at >= _STANDSTILL else _BRIEFLY
