"""The last useful day of each channel: mail arrives the same day, a letter takes days, more the farther it goes."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from babel.core import get_global

from campaign.domain.counting.channel import Channel

_FILE = Path(__file__).parent.parent / "data" / "post.toml"


def last_useful_day(
    deadline: date | None, channel: Channel, origin: str | None, destination: str | None
) -> date | None:
    """Return the last day on which to act by that channel to be in time for the deadline; None without a deadline.

    Countries are ISO 3166-1 alpha-2; an unknown one counts as the farthest.
    """
    if deadline is None or not channel.goes_by_post:
        return deadline
    return deadline - timedelta(days=days_by_post(origin, destination))


def days_by_post(origin: str | None, destination: str | None) -> int:
    """Return the days that a letter takes from one country to another."""
    days = _days()
    if origin is None or destination is None:
        return days["world"]
    if origin == destination:
        return days["domestic"]
    return days["continent"] if _continents(origin) & _continents(destination) else days["world"]


@lru_cache(maxsize=1)
def _days() -> dict[str, int]:
    found = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {distance: int(found[distance]) for distance in ("domestic", "continent", "world")}


@lru_cache(maxsize=300)
def _continents(country: str) -> frozenset[str]:
    """Return the country's continent, by the names of its time zones.

    The mainland's zone decides: Ceuta does not put Spain into Africa.
    """
    if country in _ISLANDS:
        return frozenset({_ISLANDS[country]})
    found = {zone.partition("/")[0] for zone in get_global("territory_zones").get(country, ())}
    for continent, zones in _CONTINENTS:
        if found & zones:
            return frozenset({continent})
    return frozenset()


_CONTINENTS = (
    ("Europe", {"Europe"}),
    ("America", {"America"}),
    ("Asia", {"Asia"}),
    ("Africa", {"Africa"}),
    ("Oceania", {"Australia", "Pacific"}),
)
# Countries whose zones are named after an ocean, or that have none in CLDR.
_ISLANDS = {
    "FO": "Europe",
    "IS": "Europe",
    "XK": "Europe",
    "CV": "Africa",
    "MG": "Africa",
    "MU": "Africa",
    "MV": "Asia",
}
