"""Progress of one worker process, in memory: its loops note it, and one of them writes it into the database."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from datetime import datetime


class WorkerProgress:
    """The last success of each loop, the errors of ours, and the troubles from outside that persist."""

    def __init__(self, loops: tuple[str, ...]) -> None:
        self.id = secrets.token_hex(16)
        self.host = socket.gethostname()[:100]
        self.failures = 0
        self.report_at = 0.0
        # Since when the time is doubted, on the machine's monotonic clock.
        self.waits_since: float | None = None
        self.error: str | None = None
        # Which run of a periodic job was the newest when looked at, and since when, on that clock.
        self.newest_run: datetime | None = None
        self.newest_run_since: float | None = None
        self._lock = threading.Lock()
        self._done: dict[str, float | None] = dict.fromkeys(loops)
        self._troubles: dict[str, str] = {}

    def done(self, loop: str) -> None:
        """Note that the loop got a round done."""
        self._done[loop] = time.monotonic()

    def failed(self, error: object) -> None:
        """Count an error of ours."""
        with self._lock:
            self.failures += 1
            self.error = str(error)[:400]

    def trouble(self, what: str, said: str | None) -> None:
        """Set what stands in the way of `what`, or take it back by None."""
        with self._lock:
            if said is None:
                self._troubles.pop(what, None)
            else:
                self._troubles[what] = said

    @property
    def troubles(self) -> str | None:
        """Return all that stands in the way, in one line; None where nothing does."""
        with self._lock:
            return "; ".join(self._troubles.values())[:400] or None

    def seconds_since_done(self) -> float | None:
        """Return how long ago the loop furthest behind got a round done; None before each has once."""
        oldest = list(self._done.values())
        found = [one for one in oldest if one is not None]
        return time.monotonic() - min(found) if len(found) == len(oldest) else None
