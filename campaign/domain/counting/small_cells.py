"""Numbers of people that staff are not told exactly, for the next one might be somebody whom they have in mind.

Below FEW none is told. In a table of several, where one follows from the whole and the others, all are rounded down.
"""

from __future__ import annotations

FEW = 5


def is_small(number: int) -> bool:
    """Return whether a number of people is not told; none at all is not told apart from one."""
    return number < FEW


def rounded(number: int) -> int:
    """Return the number as a table tells it: the next lower multiple of FEW, and 0 where it is not told."""
    return number - number % FEW
