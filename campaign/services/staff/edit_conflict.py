"""Refusal of an edit whose values have changed since its form was opened."""

from __future__ import annotations

from typing import Any

from campaign.domain.errors import ConflictError


def refuse_overwriting(expected: dict[str, Any] | None, current: dict[str, Any]) -> None:
    """Raise ConflictError if the values with which the form was opened are not the current ones."""
    if expected != current:
        raise ConflictError(current)
