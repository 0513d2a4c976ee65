"""The number of people below which staff are not told how many there are: it might be one whom somebody has in mind."""

from __future__ import annotations

FEW = 5


def is_small(number: int) -> bool:
    """Return whether a number of people is not told; none at all is not told apart from one."""
    return number < FEW
