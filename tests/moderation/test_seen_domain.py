"""The counts of a mail domain, by day for a week and in sum before; and the conditions for calling it new."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from campaign.domain.moderation.seen_domain import GROWTH_FACTOR, WEEK_DAYS, SeenDomain, unpack_record

TODAY = date(2022, 4, 2)
DAY = timedelta(days=1)


def seen(*found: tuple[int, int]) -> SeenDomain:
    """Return the record after confirmations, given as pairs of days ago and number."""
    first = TODAY - found[0][0] * DAY
    one = SeenDomain(first, first)
    for ago, number in found:
        one = one.plus(TODAY - ago * DAY, number)
    return one


@pytest.mark.parametrize(
    ("found", "before", "week"),
    [
        ([(0, 3)], 0, 3),
        ([(6, 3)], 0, 3),
        ([(7, 3)], 3, 0),
        ([(9, 1), (8, 2), (3, 4), (0, 5)], 3, 9),
        # Days come in any order after an outage of the worker or a restored action.
        ([(0, 5), (20, 2), (6, 1), (7, 1)], 3, 6),
        ([(40, 1), (0, 1)], 1, 1),
    ],
)
def test_a_week_is_counted_by_day_and_what_was_before_together(
    found: list[tuple[int, int]], before: int, week: int
) -> None:
    one = seen(*found).on(TODAY)
    assert (one.before, one.week(TODAY)) == (before, week)
    assert one.first_on == TODAY - max(ago for ago, _ in found) * DAY
    assert one.newest_on == TODAY


@pytest.mark.parametrize(
    ("found", "is_new"),
    [
        ([(0, 1)], True),
        ([(6, 1)], True),
        ([(7, 1)], False),
        ([(7, 1), (0, GROWTH_FACTOR - 1)], False),
        ([(7, 1), (0, GROWTH_FACTOR)], True),
        ([(30, 1), (8, 1), (6, GROWTH_FACTOR), (0, GROWTH_FACTOR)], True),
        ([(30, 2), (8, 1), (6, GROWTH_FACTOR), (0, GROWTH_FACTOR)], False),
    ],
)
def test_a_first_week_and_a_jump_are_news(found: list[tuple[int, int]], is_new: bool) -> None:
    assert seen(*found).is_new(TODAY) is is_new
    assert not seen(*found).is_new(TODAY + WEEK_DAYS * DAY)


def test_it_is_deleted_by_the_month_of_its_last_confirmation() -> None:
    assert seen((2, 1)).month == date(2022, 3, 1)
    assert seen((2, 1), (1, 1)).month == date(2022, 4, 1)
    assert seen((2, 1)).on(TODAY).month == date(2022, 3, 1)


def test_all_are_as_long_and_are_read_again() -> None:
    small, large = seen((0, 1)), seen((80, 10**9), (3, 10**12), (0, 7))
    assert len(small.packed()) == len(large.packed())
    assert (unpack_record(small.packed()), unpack_record(large.packed())) == (small, large)
    with pytest.raises(ValueError, match="numbers"):
        unpack_record(b"")
