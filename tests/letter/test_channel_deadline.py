"""The days that a letter needs by each channel, and its last useful day."""

from __future__ import annotations

from datetime import date

import pytest

from campaign.domain.counting.channel import Channel
from campaign.domain.country import COUNTRIES
from campaign.letter.channel_deadline import days_by_post, last_useful_day

DEADLINE = date(2026, 5, 12)


@pytest.mark.parametrize(
    ("origin", "destination", "days"),
    [
        ("FR", "FR", 4),
        ("FR", "DE", 10),
        ("FR", "RU", 10),
        ("FR", "IS", 10),
        ("FR", "KZ", 21),
        ("US", "CA", 10),
        ("US", "CL", 10),
        ("ES", "MA", 21),
        ("NZ", "AU", 10),
        (None, "KZ", 21),
        ("FR", None, 21),
    ],
)
def test_a_letter_needs_more_days_for_a_longer_way(origin: str | None, destination: str | None, days: int) -> None:
    assert days_by_post(origin, destination) == days


def test_only_post_ends_before_the_deadline() -> None:
    assert last_useful_day(DEADLINE, Channel.LETTER, "FR", "KZ") == date(2026, 4, 21)
    assert last_useful_day(DEADLINE, Channel.EMBASSY, "FR", "FR") == date(2026, 5, 8)
    for channel in (Channel.EMAIL, Channel.FAX, Channel.PHONE, Channel.SOCIAL):
        assert last_useful_day(DEADLINE, channel, "FR", "KZ") == DEADLINE
    assert last_useful_day(None, Channel.LETTER, "FR", "KZ") is None


def test_every_country_has_a_region() -> None:
    assert all(days_by_post(country, "FR") in {4, 10, 21} for country in COUNTRIES)
