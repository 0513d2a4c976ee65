"""Checking of the form for a section, by itself and against the other sections."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar
from zoneinfo import available_timezones

from campaign.domain.country import COUNTRIES
from campaign.domain.errors import InputError, InvalidFieldsError
from campaign.domain.sections.section import INTERNATIONAL, SectionLike
from campaign.domain.signing.address import parse_address
from campaign.domain.typed_text import clean, is_language

# `tile` is its column and row on the map.
FIELDS = ("name", "countries", "languages", "time_zone", "contact", "reply_to", "tile", "position")
_MOST_NAME, _MOST_TILE, _MOST_POSITION = 80, 40, 9999


class OtherSection(SectionLike, Protocol):
    """The properties of another section with which the form must not conflict."""

    @property
    def tile(self) -> tuple[int, int] | None:
        """Return the column and row of its tile on the map; None without one."""
        ...


S = TypeVar("S", bound=SectionLike)


def claimed_countries(
    code: str, countries: Iterable[str], languages: Iterable[str], others: Iterable[S]
) -> dict[str, S]:
    """Return the countries that another section has for one of these languages, with that section."""
    rivals = [section for section in others if section.code != code and set(section.languages) & set(languages)]
    return {country: section for section in rivals for country in countries if country in section.countries}


def checked_section(
    code: str, typed: dict[str, Any], *, before: dict[str, Any], others: Iterable[OtherSection]
) -> dict[str, Any]:
    """Return the cleaned values of a section. Values that it had `before` stay allowed. Raise InvalidFieldsError.

    The countries of `international` cannot be chosen: it has every country that no other section claims.
    """
    others = [one for one in others if one.code != code]
    values = {name: typed[name] for name in FIELDS}
    values["name"], values["time_zone"] = clean(values["name"], lines=False), values["time_zone"].strip()
    for name in ("countries", "languages"):
        values[name] = list(dict.fromkeys(values[name]))
    if code == INTERNATIONAL:
        values["countries"] = before["countries"]
    faults = {
        "name": "no-name" if not values["name"] else "too-long" if len(values["name"]) > _MOST_NAME else None,
        "countries": _countries_fault(code, values, before, others),
        "languages": _languages_fault(values["languages"], before),
        "time_zone": None if values["time_zone"] in available_timezones() else "no-zone",
        "tile": _tile_fault(values["tile"], others),
        "position": None if _number(values["position"], _MOST_POSITION) is not None else "no-number",
    }
    for name in ("contact", "reply_to"):
        values[name] = values[name].strip()
        try:
            values[name] = str(parse_address(values[name])) if values[name] else ""
        except InputError:
            faults[name] = "not-an-address"
    if not values["contact"]:
        faults["contact"] = "missing"
    # It stands in a header that every server on the way must take (RFC 5322, 3.6.2).
    if not values["reply_to"].isascii():
        faults["reply_to"] = "not-an-address"
    found = {name: fault for name, fault in faults.items() if fault}
    if found:
        raise InvalidFieldsError(found)
    values["position"] = int(values["position"])
    values["tile"] = None if values["tile"] is None else [int(part) for part in values["tile"]]
    return values


def _countries_fault(
    code: str, values: dict[str, Any], before: dict[str, Any], others: Iterable[OtherSection]
) -> str | None:
    if not (COUNTRIES | set(before.get("countries", []))).issuperset(values["countries"]):
        return "unknown"
    return "claimed" if claimed_countries(code, values["countries"], values["languages"], others) else None


def _languages_fault(languages: list[str], before: dict[str, Any]) -> str | None:
    if not languages:
        return "missing"
    kept = before.get("languages", [])
    return None if all(is_language(one) or one in kept for one in languages) else "unknown"


def _tile_fault(tile: list[Any] | None, others: Iterable[OtherSection]) -> str | None:
    if tile is None:
        return None
    parts = [_number(part, _MOST_TILE) for part in tile]
    if None in parts:
        return "no-tile"
    return "taken" if parts in [list(one.tile) for one in others if one.tile is not None] else None


def _number(typed: Any, most: int) -> int | None:
    text = str(typed).strip()
    return int(text) if re.fullmatch("[0-9]{1,6}", text, re.ASCII) and int(text) <= most else None
