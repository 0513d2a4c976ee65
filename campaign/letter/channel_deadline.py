"""The last day on which each channel is in time: e-mail arrives the same day, a letter takes some days."""

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

    Countries are ISO 3166-1 alpha-2. An unknown one counts as the farthest.
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
    values = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {distance: int(values[distance]) for distance in ("domestic", "continent", "world")}


@lru_cache(maxsize=300)
def _continents(country: str) -> frozenset[str]:
    """Return the country's continent, by the names of its time zones.

    The zone of the mainland decides, so Spain is in Europe although Ceuta is in Africa.
    """
    if country in _ISLANDS:
        return frozenset({_ISLANDS[country]})
    areas = {zone.partition("/")[0] for zone in get_global("territory_zones").get(country, ())}
    for continent, zones in _CONTINENTS:
        if areas & zones:
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
