"""Until when which channel is of use: mail arrives today, a letter takes days, the more the farther it goes."""

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
    """The last day on which to act by that channel for it to arrive by the deadline; None without a deadline.

    Countries are ISO 3166-1 alpha-2; where one is not known, the letter is taken to go around the world.
    """
    if deadline is None or not channel.goes_by_post:
        return deadline
    return deadline - timedelta(days=days_by_post(origin, destination))


def days_by_post(origin: str | None, destination: str | None) -> int:
    """How many days a letter takes, by how far it goes."""
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
    """By the names of its time zones, the mainland's first: Ceuta makes Spain no country of Africa."""
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
# Whose zones are named after an ocean, or that have none in CLDR.
_ISLANDS = {
    "FO": "Europe",
    "IS": "Europe",
    "XK": "Europe",
    "CV": "Africa",
    "MG": "Africa",
    "MU": "Africa",
    "MV": "Asia",
}
