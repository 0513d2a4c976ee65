"""The time zone in which a section's last day ends: the westernmost of its countries.

A country may span several zones. Supporters who live where the day ends last are given the same date as all others, so
they may sign until the end of that day. The zones of a country are IANA's (zone.tab), from the tzdata package.
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

_NEAR = timedelta(hours=2)
_LONGITUDE = re.compile(r"[+-]\d+([+-]\d{3}).*")
_ROCKIES = -105


@lru_cache(maxsize=4096)
def last_zone(code: str, countries: tuple[str, ...], time_zone: str, day: date | None) -> str:
    """Return the IANA zone in which that day ends last for the section, its own `time_zone` included.

    `international` has every country without a section of its own, so its day ends with the last one on earth. Without
    a day it is the section's own zone.
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
    for country, _, zone in _table():
        zones[country].append(zone)
    return {country: tuple(names) for country, names in zones.items()}


@cache
def _westernmost() -> tuple[str, ...]:
    """Return the zones that can be the last on earth; only those west of the Rockies are examined."""
    behind = {zone: _behind(zone) for _, place, zone in _table() if int(_LONGITUDE.sub(r"\1", place)) < _ROCKIES}
    furthest = min(behind.values())
    return tuple(zone for zone, offset in behind.items() if offset - furthest < _NEAR)


def _behind(zone: str) -> timedelta:
    """Return the zone's smallest offset from UTC, in winter or in summer."""
    winter, summer = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7))
    return min(winter or timedelta(), summer or timedelta())


def _table() -> list[list[str]]:
    """Return country, coordinates (ISO 6709) and name of each zone in zone.tab."""
    lines = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[:3] for line in lines if line and not line.startswith("#")]
