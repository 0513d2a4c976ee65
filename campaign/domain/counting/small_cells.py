"""The suppression of small numbers of people, whose exact values could identify a person.

Staff do not see a number below SMALLEST_SHOWN. In a table a hidden number would follow from the total and the other
numbers, so there all numbers are rounded down.
"""

from __future__ import annotations

SMALLEST_SHOWN = 5


def is_small(number: int) -> bool:
    """Return whether a number of people must be hidden. This includes zero."""
    return number < SMALLEST_SHOWN


def rounded(number: int) -> int:
    """Return the number rounded down to a multiple of SMALLEST_SHOWN, as tables show it."""
    return number - number % SMALLEST_SHOWN
