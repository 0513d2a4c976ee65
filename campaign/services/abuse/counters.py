"""Counters of the abuse limits, stored in the limits' storage, and the memory of limits that were exceeded lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, parse

from campaign.platform import limiter
from campaign.platform.limits.counters import ProcessLimits, count
from campaign.platform.limits.redis_pool import CLIENT_ERRORS, log_outage
from campaign.platform.network import Network

# An attack is over when no limit was exceeded for this time.
ATTACK_SECONDS = 600
Limits = tuple[RateLimitItem, ...]
_process_limits = ProcessLimits()


@dataclass(frozen=True, slots=True)
class WatchedLimit:
    """A counter and its limits. `kind` is the kind of attack that exceeding them shows, `key` what is counted."""

    kind: str
    limits: Limits
    key: str


def parse_limits(*texts: str) -> Limits:
    """Return the limits in texts such as `60 per minute`."""
    return tuple(parse(text) for text in texts)


def watched_networks(kind: str, by_prefix: dict[str, Limits], networks: Sequence[Network]) -> list[WatchedLimit]:
    """Return a counter for each network whose prefix has limits."""
    return [
        WatchedLimit(kind, by_prefix[network.prefix], network.digest)
        for network in networks
        if network.prefix in by_prefix
    ]


def hit_watched(watched_limits: Sequence[WatchedLimit]) -> tuple[list[str], list[str]]:
    """Add one to each counter; return the kinds that exceed a limit now, and those that did within ATTACK_SECONDS.

    If the storage is unreachable, each process counts for itself.
    """
    counters = [(item, ("flood", limit.kind, limit.key)) for limit in watched_limits for item in limit.limits]
    try:
        are_within, were_exceeded = count(limiter, counters, [_attack_key(limit) for limit in watched_limits])
    except CLIENT_ERRORS as error:
        log_outage(error)
        are_within, were_exceeded = count(_process_limits, counters, [_attack_key(limit) for limit in watched_limits])
    start, exceeded = 0, []
    for limit in watched_limits:
        if not all(are_within[start : start + len(limit.limits)]):
            exceeded.append(limit)
        start += len(limit.limits)
    for limit in exceeded:
        _store_attack(limit)
    return [limit.kind for limit in exceeded], [
        limit.kind for limit, was_exceeded in zip(watched_limits, were_exceeded, strict=True) if was_exceeded
    ]


def hit(item: RateLimitItem, *key: str) -> bool:
    """Add one to the counter of `key`; return False if that exceeds the limit."""
    try:
        return limiter.limiter.hit(item, "flood", *key)
    except CLIENT_ERRORS as error:
        log_outage(error)
        return _process_limits.limiter.hit(item, "flood", *key)


def _store_attack(limit: WatchedLimit) -> None:
    """Store that the limit was exceeded, for ATTACK_SECONDS."""
    try:
        limiter.storage.incr(_attack_key(limit), ATTACK_SECONDS)
    except CLIENT_ERRORS as error:
        log_outage(error)
        _process_limits.storage.incr(_attack_key(limit), ATTACK_SECONDS)


def _attack_key(limit: WatchedLimit) -> str:
    return f"attack/{limit.kind}/{limit.key}"
