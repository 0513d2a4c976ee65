"""The watchdog of a process with several loops: it ends the process when one of them hangs.

The stack of every thread goes to stderr, and the service manager starts the process again. What the process had claimed
becomes free when its leases end. A thread can hang for reasons that cannot be foreseen: a connection that was cut
silently, a lock in a library, a fault of the interpreter. Mail must not wait until a person notices.
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
        """Allow each loop `seconds` of silence; after twice as long the process has certainly ended."""
        self._seconds = seconds
        self._beats: dict[object, float] = {}
        self._wound_up_at = float("-inf")

    def watched(self, loop: Callable[..., None], *arguments: object) -> None:
        """Run the loop with its arguments and, as the last one, a function that it must call at each turn.

        A loop that ends by an exception counts as one that hangs.
        """
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
            # Runs in a C thread, so it works even while another thread holds the interpreter's lock.
            faulthandler.dump_traceback_later(self._seconds, exit=True)
