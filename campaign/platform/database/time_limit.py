"""The seconds that this thread may wait for the database: set for each request, unset elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# For whoever sets no limit: a busy disk may take several seconds; the worker's watchdog waits longer.
COMMIT_SECONDS = 20.0
_thread = threading.local()


def start(seconds: float) -> None:
    """Let this thread wait so long from now on, all its statements together; `stop` takes that back."""
    _thread.until = time.monotonic() + seconds


def stop() -> None:
    """Let this thread wait as long as it takes."""
    _thread.until = None


def seconds_left() -> float | None:
    """Return the rest of the limit, at least a moment; None where there is none."""
    until: float | None = getattr(_thread, "until", None)
    return None if until is None else max(0.01, until - time.monotonic())


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let this thread wait no longer than so long inside; a shorter limit that stands already stays."""
    before: float | None = getattr(_thread, "until", None)
    mine = time.monotonic() + seconds
    _thread.until = mine if before is None else min(before, mine)
    try:
        yield
    finally:
        _thread.until = before
