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
        # A section's own zone may be outside its countries; its last day never ends before the day in its own zone.
        ("um", ("UM",), "Etc/GMT+12", "Etc/GMT+12"),
        (INTERNATIONAL, (), "UTC", "Pacific/Pago_Pago"),
    ],
)
def test_the_last_day_ends_in_the_westernmost_zone(
    code: str, countries: tuple[str, ...], office: str, last: str
) -> None:
    assert end_of_day(DAY, last_zone(code, countries, office, DAY)) == end_of_day(DAY, last)


def test_the_international_day_ends_last() -> None:
    for day in (DAY, date(2026, 12, 31)):
        end = end_of_day(day, last_zone(INTERNATIONAL, (), "UTC", day))
        assert end == max(end_of_day(day, zone) for zones in zones_by_country().values() for zone in zones)


def test_every_inhabited_country_has_a_zone() -> None:
    countries = {code for code in map(str, Locale("en").territories) if len(code) == 2} - set(zones_by_country())
    # Codes of CLDR that are no country, and uninhabited islands.
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


def test_without_a_deadline_the_section_has_its_own_zone() -> None:
    assert last_zone("us", ("US",), "America/New_York", None) == "America/New_York"
