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
    """Limit this thread's waits for all following statements together to `seconds`, until `stop` is called."""
    _thread.deadline = time.monotonic() + seconds


def stop() -> None:
    """Remove this thread's limit."""
    _thread.deadline = None


def remaining_seconds() -> float | None:
    """Return the remaining seconds of the limit, at least 0.01; None without a limit."""
    deadline: float | None = getattr(_thread, "deadline", None)
    return None if deadline is None else max(0.01, deadline - time.monotonic())


@contextmanager
def limit_waits(seconds: float) -> Iterator[None]:
    """Limit this thread's waits inside the block to `seconds`; an outer limit that ends earlier still applies."""
    outer_deadline: float | None = getattr(_thread, "deadline", None)
    deadline = time.monotonic() + seconds
    _thread.deadline = deadline if outer_deadline is None else min(outer_deadline, deadline)
    try:
        yield
    finally:
        _thread.deadline = outer_deadline
