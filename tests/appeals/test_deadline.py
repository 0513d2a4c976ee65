"""The last second for signing, in every time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from campaign.domain.appeals.appeal import days_left, end_of_day, is_confirmable, is_in_time, progress

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("Etc/GMT+12", datetime(2026, 4, 13, 12, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 4, 12, 10, tzinfo=UTC)),
        ("Europe/Paris", datetime(2026, 4, 12, 22, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 4, 12, 18, 15, tzinfo=UTC)),
    ],
)
def test_the_deadline_is_inclusive_in_the_sections_own_zone(zone: str, end: datetime) -> None:
    deadline = date(2026, 4, 12)
    assert end_of_day(deadline, zone) == end
    assert is_in_time(deadline, zone, end - SECOND)
    assert not is_in_time(deadline, zone, end)


def test_a_day_of_daylight_saving_ends_at_local_midnight() -> None:
    # Paris: 23 hours on 29 March 2026, 25 hours on 25 October 2026.
    assert end_of_day(date(2026, 3, 29), "Europe/Paris") - end_of_day(date(2026, 3, 28), "Europe/Paris") == timedelta(
        hours=23
    )
    assert end_of_day(date(2026, 10, 25), "Europe/Paris") - end_of_day(date(2026, 10, 24), "Europe/Paris") == timedelta(
        hours=25
    )


def test_a_signature_in_time_can_be_confirmed_for_one_more_day() -> None:
    deadline, end = date(2026, 4, 12), datetime(2026, 4, 12, 22, tzinfo=UTC)
    day = timedelta(hours=24)
    assert is_confirmable(deadline, "Europe/Paris", None, signed_at=end - SECOND, now=end + day - SECOND)
    assert not is_confirmable(deadline, "Europe/Paris", None, signed_at=end - SECOND, now=end + day)
    assert not is_confirmable(deadline, "Europe/Paris", None, signed_at=end, now=end)


def test_an_appeal_closed_early_ends_then() -> None:
    closed = datetime(2026, 4, 1, tzinfo=UTC)
    early = {"signed_at": closed - SECOND}
    assert is_confirmable(date(2026, 4, 12), "UTC", closed, now=closed + timedelta(hours=23), **early)
    assert not is_confirmable(date(2026, 4, 12), "UTC", closed, now=closed + timedelta(hours=24), **early)


def test_progress_stays_between_zero_and_one() -> None:
    opened = datetime(2026, 3, 1, tzinfo=UTC)
    half = progress(5, 10, opened, date(2026, 3, 2), opened + timedelta(days=1))
    assert (half.signatures, half.time) == (0.5, 0.5)
    late = progress(20, 10, opened, date(2026, 3, 2), opened + timedelta(days=9))
    assert (late.signatures, late.time) == (1.0, 1.0)
    assert days_left(date(2026, 3, 2), date(2026, 3, 9)) == 0
    assert days_left(None, date(2026, 3, 9)) is None
