"""The time zone in which a section's last day ends: the westernmost of its countries.

A country may span several zones. Whoever lives where the day ends last has been told the same date as everyone else,
and is not to be refused on it. Zones by country are IANA's (zone.tab), as the tzdata package brings them.
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
    """Return the IANA zone in which that day ends last for the section, its own `time_zone` among them.

    `international` takes every country without a section of its own, so its day ends with the world's. Without a day
    it is the section's own zone.
    """
    if day is None:
        return time_zone
    known = zones_by_country()
    theirs = _westernmost() if code == INTERNATIONAL else [zone for one in countries for zone in known.get(one, ())]
    found: str = max([time_zone, *theirs], key=lambda zone: end_of_day(day, zone))
    return found


@cache
def zones_by_country() -> dict[str, tuple[str, ...]]:
    """Return the names of the time zones of each country (ISO 3166-1 alpha-2)."""
    found: dict[str, list[str]] = defaultdict(list)
    for country, _, zone in _table():
        found[country].append(zone)
    return {country: tuple(zones) for country, zones in found.items()}


@cache
def _westernmost() -> tuple[str, ...]:
    """Return the zones that may be the last of all. None of them lies east of the Rockies: so few are looked at."""
    behind = {zone: _behind(zone) for _, place, zone in _table() if int(_LONGITUDE.sub(r"\1", place)) < _ROCKIES}
    furthest = min(behind.values())
    return tuple(zone for zone, offset in behind.items() if offset - furthest < _NEAR)


def _behind(zone: str) -> timedelta:
    """Return the zone's smallest offset from UTC, in winter or in summer."""
    winter, summer = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7))
    return min(winter or timedelta(), summer or timedelta())


def _table() -> list[list[str]]:
    """Return country, coordinates (ISO 6709) and name of each zone."""
    lines = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[:3] for line in lines if line and not line.startswith("#")]
