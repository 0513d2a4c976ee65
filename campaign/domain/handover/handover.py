"""Handing signatures over: how far a list is that is being made, and how it is divided."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class HandoverState(StrEnum):
    """queued → running → done or failed; done → outdated once somebody on the list has left it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OUTDATED = "outdated"


# A volume of print: about 60 pages, and a step of the work that needs the same memory however long the list is.
VOLUME = 10_000
# Whoever makes one says after each step that it is alive.
STALE = timedelta(minutes=10)
