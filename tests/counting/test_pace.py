"""The pace of an appeal, the pace it needs, and its projection."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from campaign.domain.counting.pace import pace

NOW = datetime(2026, 3, 11, 0, 0, tzinfo=UTC)


def test_ten_days_left_and_seven_hundred_a_week() -> None:
    found = pace(1000, 700, 3000, opened_at=NOW - timedelta(days=30), deadline=date(2026, 3, 20), now=NOW)
    assert (found.current, found.needed, found.projection) == (100, 200, 2000)


def test_a_young_appeal_is_measured_since_it_opened() -> None:
    found = pace(50, 50, 3000, opened_at=NOW - timedelta(days=2), deadline=None, now=NOW)
    assert (found.current, found.needed, found.projection) == (25, None, None)


def test_the_first_minute_has_no_pace() -> None:
    assert pace(3, 3, 10, opened_at=NOW - timedelta(seconds=30), deadline=None, now=NOW).current == 72


def test_after_the_deadline_there_is_no_projection() -> None:
    found = pace(5, 5, 10, opened_at=NOW - timedelta(days=9), deadline=date(2026, 3, 10), now=NOW)
    assert (found.needed, found.projection) == (None, None)


def test_a_reached_goal_needs_nothing_more() -> None:
    assert pace(11, 0, 10, opened_at=NOW, deadline=date(2026, 3, 20), now=NOW).needed == 0
