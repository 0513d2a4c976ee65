"""Refusing an edit of what has changed since the writer saw it."""

from __future__ import annotations

from typing import Any

from campaign.domain.errors import ConflictError


def refuse_overwriting(seen: dict[str, Any] | None, current: dict[str, Any]) -> None:
    """Raise ConflictError where what the writer saw is no longer what there is."""
    if seen != current:
        raise ConflictError(current)
