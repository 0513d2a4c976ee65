"""Lists to hand over: their states, and how they are divided into volumes."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class HandoverState(StrEnum):
    """The states: queued → running → done or failed; done → outdated once a person on the list withdraws."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OUTDATED = "outdated"


# Names in a printed volume: about 60 pages. Making one is a step that needs the same memory however long the list is.
NAMES_PER_VOLUME = 10_000
# A worker reports progress after each step; without a report for this long, another worker takes over.
STALE_AFTER = timedelta(minutes=10)
