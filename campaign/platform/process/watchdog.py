"""The watchdog of a process with several loops: it ends the process when one of them hangs.

The stack of every thread goes to stderr, and the service manager starts the process again. The mails that the process
had claimed become free when its leases end. A thread can hang for reasons that cannot be foreseen: a connection that
was cut silently, a lock in a library, a fault of the interpreter. Mail must not wait until a person notices.
"""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable


class Watchdog:
    """A timer that ends the process with status 1 when a loop hangs, after writing all stacks to stderr.

    There can be only one in a process.
    """

    def __init__(self, seconds: float) -> None:
        """Allow each loop `seconds` of silence. A process with a silent loop ends within twice that time."""
        self._seconds = seconds
        self._last_beats: dict[object, float] = {}
        self._timer_set_at = float("-inf")

    def run_watched(self, loop: Callable[..., None], *arguments: object) -> None:
        """Run the loop with its arguments and, as the last one, a function that it must call in each round.

        A loop that raises an exception counts as one that hangs.
        """
        self._beat(loop)
        loop(*arguments, lambda: self._beat(loop))
        del self._last_beats[loop]
        if not self._last_beats:
            faulthandler.cancel_dump_traceback_later()

    def _beat(self, loop: object) -> None:
        """Record that the loop is alive, and start the timer anew while no loop has been silent for too long."""
        now = time.monotonic()
        self._last_beats[loop] = now
        oldest_beat = min(list(self._last_beats.values()))
        if now - self._timer_set_at >= self._seconds / 100 and now - oldest_beat < self._seconds:
            self._timer_set_at = now
            # Runs in a C thread, so it works even while another thread holds the interpreter's lock.
            faulthandler.dump_traceback_later(self._seconds, exit=True)
