"""The progress of one worker process, in memory. Its loops record it; one of them stores it in the database."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from datetime import datetime


class WorkerProgress:
    """The last round of each loop, the errors of this program, and the current troubles from outside it."""

    def __init__(self, loops: tuple[str, ...]) -> None:
        self.id = secrets.token_hex(16)
        self.host = socket.gethostname()[:100]
        self.error_count = 0
        # When the progress is reported next (monotonic clock).
        self.report_at = 0.0
        # Since when the machine's time has been in doubt (monotonic clock).
        self.in_doubt_since: float | None = None
        self.last_error: str | None = None
        # The newest run of a periodic job at the last check, and since when it has been the newest (monotonic clock).
        self.newest_run: datetime | None = None
        self.newest_run_since: float | None = None
        self._lock = threading.Lock()
        self._last_round_at: dict[str, float | None] = dict.fromkeys(loops)
        self._troubles: dict[str, str] = {}

    def record_round(self, loop: str) -> None:
        """Record that the loop has completed a round."""
        self._last_round_at[loop] = time.monotonic()

    def record_error(self, error: object) -> None:
        """Count an error of this program, and store its text as the last one."""
        with self._lock:
            self.error_count += 1
            self.last_error = str(error)[:400]

    def set_trouble(self, subject: str, description: str | None) -> None:
        """Set the current trouble with a subject such as `clock`; None means that it is over."""
        with self._lock:
            if description is None:
                self._troubles.pop(subject, None)
            else:
                self._troubles[subject] = description

    @property
    def troubles(self) -> str | None:
        """Return all current troubles in one line of at most 400 characters; None without any."""
        with self._lock:
            return "; ".join(self._troubles.values())[:400] or None

    def seconds_since_last_round(self) -> float | None:
        """Return how many seconds ago the slowest loop completed its last round.

        Return None until every loop has completed a round.
        """
        last_rounds = list(self._last_round_at.values())
        completed = [moment for moment in last_rounds if moment is not None]
        return time.monotonic() - min(completed) if len(completed) == len(last_rounds) else None
