"""The time zone in which a section's last day ends: the westernmost of its countries.

A country may span several zones. Its supporters all see the same date as deadline, so each may sign until that day has
ended in the last of the zones. The zones of a country are IANA's (zone.tab), from the tzdata package.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from campaign.domain.appeals.appeal import end_of_day
from campaign.domain.sections.section import INTERNATIONAL

# Zones whose smallest offset is within this of the smallest on earth may end a day last, in one season or the other.
_OFFSET_MARGIN = timedelta(hours=2)
_LONGITUDE = re.compile(r"[+-]\d+([+-]\d{3}).*")
# In degrees: the zones east of the Rocky Mountains never end a day last, and need not be examined.
_EASTERN_LIMIT = -105


@lru_cache(maxsize=4096)
def last_zone(code: str, countries: tuple[str, ...], time_zone: str, day: date | None) -> str:
    """Return the IANA zone in which that day ends last for the section: of its countries' zones and its `time_zone`.

    Return `time_zone` without a day. The section `international` has every country without a section, so its day ends
    in the last zone on earth.
    """
    if day is None:
        return time_zone
    by_country = zones_by_country()
    if code == INTERNATIONAL:
        zones: list[str] = list(_westernmost())
    else:
        zones = [zone for country in countries for zone in by_country.get(country, ())]
    return max([time_zone, *zones], key=lambda zone: end_of_day(day, zone))


@cache
def zones_by_country() -> dict[str, tuple[str, ...]]:
    """Return the names of the time zones of each country (ISO 3166-1 alpha-2)."""
    zones: dict[str, list[str]] = defaultdict(list)
    for country, _, zone in _zone_table():
        zones[country].append(zone)
    return {country: tuple(names) for country, names in zones.items()}


@cache
def _westernmost() -> tuple[str, ...]:
    """Return the zones in which a day can end last on earth."""
    offsets = {
        zone: _smallest_offset(zone)
        for _, coordinates, zone in _zone_table()
        if int(_LONGITUDE.sub(r"\1", coordinates)) < _EASTERN_LIMIT
    }
    smallest = min(offsets.values())
    return tuple(zone for zone, offset in offsets.items() if offset - smallest < _OFFSET_MARGIN)


def _smallest_offset(zone: str) -> timedelta:
    """Return the smaller of the zone's offsets from UTC in winter and in summer; west of Greenwich it is negative."""
    winter, summer = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7))
    return min(winter or timedelta(), summer or timedelta())


def _zone_table() -> list[list[str]]:
    """Return country, coordinates (ISO 6709) and name of each zone in zone.tab."""
    lines = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[:3] for line in lines if line and not line.startswith("#")]
