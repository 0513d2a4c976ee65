"""Counting against the abuse guard's limits, in the limits' storage: what is beyond one, and what was lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, parse

from campaign.platform import limiter
from campaign.platform.limits.counters import ProcessLimits, count
from campaign.platform.limits.redis_pool import FAILURES, say_away
from campaign.platform.network import Network

# So long after the last sign of it an attack is over.
ATTACK_SECONDS = 600
Limits = tuple[RateLimitItem, ...]
_own = ProcessLimits()


@dataclass(frozen=True, slots=True)
class WatchedLimit:
    """One thing that is counted: the kind of attack that it would be, its limits, and what it is counted for."""

    kind: str
    limits: Limits
    key: str


def limits(*texts: str) -> Limits:
    """Return limits such as `60 per minute`."""
    return tuple(parse(text) for text in texts)


def watched_networks(kind: str, by_prefix: dict[str, Limits], networks: Sequence[Network]) -> list[WatchedLimit]:
    """Return what counts each of the networks that has limits by its prefix."""
    return [WatchedLimit(kind, by_prefix[one.prefix], one.digest) for one in networks if one.prefix in by_prefix]


def beyond(watched: Sequence[WatchedLimit]) -> tuple[list[str], list[str]]:
    """Count one for each; return the kinds that are beyond a limit now, and those that were within ten minutes.

    While the storage is away, each process counts for itself.
    """
    counters = [(item, ("flood", one.kind, one.key)) for one in watched for item in one.limits]
    try:
        within, marked = count(limiter, counters, [_mark(one) for one in watched])
    except FAILURES as error:
        say_away(error)
        within, marked = count(_own, counters, [_mark(one) for one in watched])
    place, over = 0, []
    for one in watched:
        if not all(within[place : place + len(one.limits)]):
            over.append(one)
        place += len(one.limits)
    for one in over:
        _remember(one)
    return [one.kind for one in over], [one.kind for one, is_marked in zip(watched, marked, strict=True) if is_marked]


def hit(item: RateLimitItem, *key: str) -> bool:
    """Count one; return False beyond the limit."""
    try:
        return limiter.limiter.hit(item, "flood", *key)
    except FAILURES as error:
        say_away(error)
        return _own.limiter.hit(item, "flood", *key)


def _remember(one: WatchedLimit) -> None:
    try:
        limiter.storage.incr(_mark(one), ATTACK_SECONDS)
    except FAILURES as error:
        say_away(error)
        _own.storage.incr(_mark(one), ATTACK_SECONDS)


def _mark(one: WatchedLimit) -> str:
    return f"attack/{one.kind}/{one.key}"
