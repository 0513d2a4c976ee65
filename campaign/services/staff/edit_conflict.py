"""Refusal of an edit whose values have changed since its form was opened."""

from __future__ import annotations

from typing import Any

from campaign.domain.errors import ConflictError


def refuse_overwriting(seen: dict[str, Any] | None, current: dict[str, Any]) -> None:
    """Raise ConflictError if the values that the editor saw are not the current ones."""
    if seen != current:
        raise ConflictError(current)
