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


# The number of names in a printed volume of about 60 pages. Volumes are made one by one, so memory does not grow with
# the length of the list.
NAMES_PER_VOLUME = 10_000
# A worker stores its progress after each step. After this time without progress, another worker makes the list.
STALE_AFTER = timedelta(minutes=10)
