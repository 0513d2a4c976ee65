"""The westernmost time zone of a section's countries, where its last day ends."""

from __future__ import annotations

from datetime import date

import pytest
from babel import Locale

from campaign.domain.appeals.appeal import end_of_day
from campaign.domain.appeals.last_time_zone import last_zone, zones_by_country
from campaign.domain.sections.section import INTERNATIONAL

DAY = date(2026, 4, 12)


@pytest.mark.parametrize(
    ("code", "countries", "office", "last"),
    [
        ("us", ("US", "VI"), "America/New_York", "Pacific/Honolulu"),
        ("es", ("ES",), "Europe/Madrid", "Atlantic/Canary"),
        ("fr", ("FR", "PF"), "Europe/Paris", "Pacific/Tahiti"),
        ("de", ("DE",), "Europe/Berlin", "Europe/Berlin"),
        ("au", ("AU",), "Australia/Sydney", "Australia/Perth"),
        # A section may be in a zone outside its countries: its last day never ends before that of its zone.
        ("um", ("UM",), "Etc/GMT+12", "Etc/GMT+12"),
        (INTERNATIONAL, (), "UTC", "Pacific/Pago_Pago"),
    ],
)
def test_the_day_ends_where_it_ends_last(code: str, countries: tuple[str, ...], office: str, last: str) -> None:
    assert end_of_day(DAY, last_zone(code, countries, office, DAY)) == end_of_day(DAY, last)


def test_nowhere_in_the_world_is_it_still_that_day_when_it_has_ended_internationally() -> None:
    for day in (DAY, date(2026, 12, 31)):
        end = end_of_day(day, last_zone(INTERNATIONAL, (), "UTC", day))
        assert end == max(end_of_day(day, zone) for zones in zones_by_country().values() for zone in zones)


def test_every_country_people_live_in_has_a_zone() -> None:
    countries = {code for code in map(str, Locale("en").territories) if len(code) == 2} - set(zones_by_country())
    # Of CLDR's codes only those that are no country, and islands without inhabitants.
    assert countries <= {
        "AC",
        "BV",
        "CP",
        "CQ",
        "DG",
        "EA",
        "EU",
        "EZ",
        "HM",
        "IC",
        "QO",
        "TA",
        "UN",
        "XA",
        "XB",
        "XK",
        "ZZ",
    }


def test_without_a_deadline_it_is_the_sections_own() -> None:
    assert last_zone("us", ("US",), "America/New_York", None) == "America/New_York"
