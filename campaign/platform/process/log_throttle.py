"""A limit on repeated log lines: what fails at every request is worth one line a minute."""

from __future__ import annotations

import threading
import time


class LogThrottle:
    """Says when the next line of its kind is due; one for each kind of line."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next = float("-inf")

    def is_due(self) -> bool:
        """Return True at most once in `seconds`, to one thread only."""
        now = time.monotonic()
        if now < self._next:
            return False
        with self._lock:
            if now < self._next:
                return False
            self._next = now + self._seconds
        return True
