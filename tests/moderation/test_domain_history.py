"""The counts of a mail domain, by day for a week and in sum before; and the conditions under which it is new."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from campaign.domain.moderation.domain_history import GROWTH_FACTOR, WEEK_DAYS, DomainHistory, unpack_history

TODAY = date(2022, 4, 2)
DAY = timedelta(days=1)


def history(*confirmations: tuple[int, int]) -> DomainHistory:
    """Return the history after confirmations, given as pairs of days ago and number."""
    first_day = TODAY - confirmations[0][0] * DAY
    record = DomainHistory(first_day, first_day)
    for days_ago, number in confirmations:
        record = record.with_confirmations(TODAY - days_ago * DAY, number)
    return record


@pytest.mark.parametrize(
    ("found", "before", "week"),
    [
        ([(0, 3)], 0, 3),
        ([(6, 3)], 0, 3),
        ([(7, 3)], 3, 0),
        ([(9, 1), (8, 2), (3, 4), (0, 5)], 3, 9),
        # After an outage of the worker or a restored action, days arrive in any order.
        ([(0, 5), (20, 2), (6, 1), (7, 1)], 3, 6),
        ([(40, 1), (0, 1)], 1, 1),
    ],
)
def test_a_week_is_counted_by_day_and_earlier_days_in_sum(found: list[tuple[int, int]], before: int, week: int) -> None:
    record = history(*found).up_to(TODAY)
    assert (record.earlier_total, record.week_total(TODAY)) == (before, week)
    assert record.first_on == TODAY - max(days_ago for days_ago, _ in found) * DAY
    assert record.week_end_on == TODAY


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
def test_a_first_week_or_a_jump_makes_a_domain_new(found: list[tuple[int, int]], is_new: bool) -> None:
    assert history(*found).is_new(TODAY) is is_new
    assert not history(*found).is_new(TODAY + WEEK_DAYS * DAY)


def test_it_is_deleted_by_the_month_of_its_last_confirmation() -> None:
    assert history((2, 1)).month == date(2022, 3, 1)
    assert history((2, 1), (1, 1)).month == date(2022, 4, 1)
    assert history((2, 1)).up_to(TODAY).month == date(2022, 3, 1)


def test_all_packed_records_have_one_length_and_unpack() -> None:
    small, large = history((0, 1)), history((80, 10**9), (3, 10**12), (0, 7))
    assert len(small.pack()) == len(large.pack())
    assert (unpack_history(small.pack()), unpack_history(large.pack())) == (small, large)
    with pytest.raises(ValueError, match="numbers"):
        unpack_history(b"")
