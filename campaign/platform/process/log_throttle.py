"""A limit on repeated log lines: one a minute for a failure that happens at every request."""

from __future__ import annotations

import threading
import time


class LogThrottle:
    """The time at which the next log line is due. Each kind of line needs a throttle of its own."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next = float("-inf")

    def is_due(self) -> bool:
        """Return True to one caller at most in each period of `seconds`, across all threads."""
        now = time.monotonic()
        if now < self._next:
            return False
        with self._lock:
            if now < self._next:
                return False
            self._next = now + self._seconds
        return True
