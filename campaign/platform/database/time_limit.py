"""The time limit for a thread's waits on the database, in seconds: set for each request, unset elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# The limit of a commit where none is set: a busy disk may take several seconds. The worker's watchdog waits longer.
COMMIT_SECONDS = 20.0
_thread = threading.local()


def start(seconds: float) -> None:
    """Limit this thread's waits from now on to so many seconds, for all statements together, until `stop`."""
    _thread.until = time.monotonic() + seconds


def stop() -> None:
    """Remove this thread's limit."""
    _thread.until = None


def seconds_left() -> float | None:
    """Return the rest of the limit, at least 0.01; None without a limit."""
    until: float | None = getattr(_thread, "until", None)
    return None if until is None else max(0.01, until - time.monotonic())


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit this thread's waits inside the block to so many seconds; a limit that ends earlier stays."""
    before: float | None = getattr(_thread, "until", None)
    until = time.monotonic() + seconds
    _thread.until = until if before is None else min(before, until)
    try:
        yield
    finally:
        _thread.until = before
