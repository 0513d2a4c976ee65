"""Limits that the operating system holds for a process that reads or parses one document."""

from __future__ import annotations

import resource

MAX_MEGABYTES = 700  # of address space; an Urgent Action takes 60 of memory


def set_limits(seconds: int) -> None:
    """Limit this process to so many seconds of processor time and to 700 MB, and forbid it to write files."""
    _set_limit(resource.RLIMIT_CPU, seconds)
    _set_limit(resource.RLIMIT_AS, MAX_MEGABYTES * 2**20)
    _set_limit(resource.RLIMIT_FSIZE, 0)
    _set_limit(resource.RLIMIT_CORE, 0)


def _set_limit(resource_kind: int, limit: int) -> None:
    """Set a resource limit to `limit`, or to the operator's own limit where that is lower."""
    hard_limit = resource.getrlimit(resource_kind)[1]
    limit = limit if hard_limit == resource.RLIM_INFINITY else min(limit, hard_limit)
    resource.setrlimit(resource_kind, (limit, limit))
