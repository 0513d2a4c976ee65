"""Counting against several limits at once: on Redis in one round trip, where each would be one of its own."""

from __future__ import annotations

from collections.abc import Sequence

from flask_limiter import Limiter
from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

# A limit, and what it is counted for.
Counter = tuple[RateLimitItem, tuple[str, ...]]


class ProcessLimits:
    """Counts of this process alone, for as long as the storage of all is away."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.limiter = FixedWindowRateLimiter(self.storage)


def count(
    limiter: Limiter | ProcessLimits, counters: Sequence[Counter], marks: Sequence[str]
) -> tuple[list[bool], list[bool]]:
    """Counts one in each, as the limiter's own `hit` does: which are within their limits, and which marks are there.

    Raises whatever the storage's client raises.
    """
    storage = limiter.storage
    if not isinstance(storage, RedisStorage):
        within = [limiter.limiter.hit(item, *key) for item, key in counters]
        return within, [storage.get(mark) > 0 for mark in marks]
    asked = storage.storage.pipeline(transaction=False)
    for item, key in counters:
        place = storage.prefixed_key(item.key_for(*key))
        asked.eval(storage.SCRIPT_INCR_EXPIRE, 1, place, item.get_expiry(), 1)
    for mark in marks:
        asked.exists(storage.prefixed_key(mark))
    found = asked.execute()
    counted = zip(counters, found[: len(counters)], strict=True)
    return [number <= item.amount for (item, _), number in counted], [bool(one) for one in found[len(counters) :]]
