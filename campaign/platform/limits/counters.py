"""Counting against several limits at once, in one round trip to Redis instead of one for each limit."""

from __future__ import annotations

from collections.abc import Sequence

from flask_limiter import Limiter
from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

# A limit, and the parts of the key that it is counted for.
Counter = tuple[RateLimitItem, tuple[str, ...]]


class ProcessLimits:
    """Counters of this process alone, used while the shared storage is unreachable."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.limiter = FixedWindowRateLimiter(self.storage)


def count(
    limiter: Limiter | ProcessLimits, counters: Sequence[Counter], flag_keys: Sequence[str]
) -> tuple[list[bool], list[bool]]:
    """Add one to each counter, as the limiter's own `hit` does, and read the flags stored under `flag_keys`.

    Returns:
        For each counter whether it is within its limit, and for each flag whether it is set.

    Raises:
        Exception: Any error of the storage's client.
    """
    storage = limiter.storage
    if not isinstance(storage, RedisStorage):
        within = [limiter.limiter.hit(item, *key) for item, key in counters]
        return within, [storage.get(key) > 0 for key in flag_keys]
    pipeline = storage.storage.pipeline(transaction=False)
    for item, key in counters:
        storage_key = storage.prefixed_key(item.key_for(*key))
        pipeline.eval(storage.SCRIPT_INCR_EXPIRE, 1, storage_key, item.get_expiry(), 1)
    for flag_key in flag_keys:
        pipeline.exists(storage.prefixed_key(flag_key))
    results = pipeline.execute()
    counts, flags = results[: len(counters)], results[len(counters) :]
    within = [number <= item.amount for (item, _), number in zip(counters, counts, strict=True)]
    return within, [bool(flag) for flag in flags]
