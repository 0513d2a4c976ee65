"""A limit on repeated log lines, so that a failure at every request is logged once a minute."""

from __future__ import annotations

import threading
import time

_PERIOD_SECONDS = 60.0


class LogThrottle:
    """A throttle for one kind of log line: it knows when the next line is due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_at = float("-inf")

    def is_due(self) -> bool:
        """Return True to one caller at most in each minute, across all threads."""
        now = time.monotonic()
        if now < self._next_at:
            return False
        with self._lock:
            if now < self._next_at:
                return False
            self._next_at = now + _PERIOD_SECONDS
        return True
