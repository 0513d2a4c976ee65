"""Counters of the abuse limits, in the limits' storage: which limits are exceeded now, and which were recently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, parse

from campaign.platform import limiter
from campaign.platform.limits.counters import ProcessLimits, count
from campaign.platform.limits.redis_pool import CLIENT_ERRORS, log_outage
from campaign.platform.network import Network

# An attack counts as over this long after a limit was last exceeded.
ATTACK_SECONDS = 600
Limits = tuple[RateLimitItem, ...]
_process_limits = ProcessLimits()


@dataclass(frozen=True, slots=True)
class WatchedLimit:
    """A counter with its limits: the kind of attack that exceeding them means, and the key it counts for."""

    kind: str
    limits: Limits
    key: str


def parse_limits(*texts: str) -> Limits:
    """Return limits such as `60 per minute`."""
    return tuple(parse(text) for text in texts)


def watched_networks(kind: str, by_prefix: dict[str, Limits], networks: Sequence[Network]) -> list[WatchedLimit]:
    """Return a counter for each network whose prefix has limits."""
    return [
        WatchedLimit(kind, by_prefix[network.prefix], network.digest)
        for network in networks
        if network.prefix in by_prefix
    ]


def hit_watched(watched: Sequence[WatchedLimit]) -> tuple[list[str], list[str]]:
    """Add one to each counter; return the kinds that exceed a limit now, and those that did within ten minutes.

    If the storage is unreachable, each process counts for itself.
    """
    counters = [(item, ("flood", counter.kind, counter.key)) for counter in watched for item in counter.limits]
    try:
        within, marked = count(limiter, counters, [_attack_key(counter) for counter in watched])
    except CLIENT_ERRORS as error:
        log_outage(error)
        within, marked = count(_process_limits, counters, [_attack_key(counter) for counter in watched])
    start, exceeded = 0, []
    for counter in watched:
        if not all(within[start : start + len(counter.limits)]):
            exceeded.append(counter)
        start += len(counter.limits)
    for counter in exceeded:
        _store_attack(counter)
    return [counter.kind for counter in exceeded], [
        counter.kind for counter, is_marked in zip(watched, marked, strict=True) if is_marked
    ]


def hit(item: RateLimitItem, *key: str) -> bool:
    """Add one to the counter of `key`; return False if that exceeds the limit."""
    try:
        return limiter.limiter.hit(item, "flood", *key)
    except CLIENT_ERRORS as error:
        log_outage(error)
        return _process_limits.limiter.hit(item, "flood", *key)


def _store_attack(counter: WatchedLimit) -> None:
    try:
        limiter.storage.incr(_attack_key(counter), ATTACK_SECONDS)
    except CLIENT_ERRORS as error:
        log_outage(error)
        _process_limits.storage.incr(_attack_key(counter), ATTACK_SECONDS)


def _attack_key(counter: WatchedLimit) -> str:
    return f"attack/{counter.kind}/{counter.key}"
