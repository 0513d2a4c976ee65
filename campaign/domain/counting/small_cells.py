"""Suppression of small numbers: staff do not see exact numbers of few people, which could identify a person.

A number below FEW is hidden. In a table, where a hidden number would follow from the total and the others, all are
rounded down.
"""

from __future__ import annotations

FEW = 5


def is_small(number: int) -> bool:
    """Return whether a number of people must be hidden; zero is hidden too."""
    return number < FEW


def rounded(number: int) -> int:
    """Return the number as tables show it: rounded down to a multiple of FEW, so 0 if it is small."""
    return number - number % FEW
