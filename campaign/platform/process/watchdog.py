"""The watchdog of a process with loops: where one stands still, the process says where, and ends; its service starts it
again. What it had taken comes back by its leases.

A thread may stand still for what nobody foresaw: a line to the database that was cut without a word, a lock in a
library, a fault of the interpreter. Mail must not wait until somebody notices.
"""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable


class Watchdog:
    """Ends the process with status 1 when a loop stands still, each thread's place on stderr. One for a process."""

    def __init__(self, seconds: float) -> None:
        """`seconds` of silence are allowed; whoever was silent for twice as long has ended the process."""
        self._seconds = seconds
        self._beats: dict[object, float] = {}
        self._wound_up_at = float("-inf")

    def watched(self, loop: Callable[..., None], *arguments: object) -> None:
        """Runs the loop; it gets, behind its arguments, what to call at each turn. One that breaks stands still."""
        self._beat(loop)
        loop(*arguments, lambda: self._beat(loop))
        del self._beats[loop]
        if not self._beats:
            faulthandler.cancel_dump_traceback_later()

    def _beat(self, loop: object) -> None:
        now = time.monotonic()
        self._beats[loop] = now
        oldest = min(list(self._beats.values()))
        if now - self._wound_up_at >= self._seconds / 100 and now - oldest < self._seconds:
            self._wound_up_at = now
            # A thread that needs no interpreter: it goes off whoever holds that.
            faulthandler.dump_traceback_later(self._seconds, exit=True)
