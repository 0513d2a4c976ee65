"""Cleaning and checking of the form for a section, also against the other sections."""

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

# `tile` is the column and row of the section's tile on the map.
FIELDS = ("name", "countries", "languages", "time_zone", "contact", "reply_to", "tile", "position")
_MAX_NAME_LENGTH, _MAX_TILE, _MAX_POSITION = 80, 40, 9999


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
    """Return, of these countries, those that another section with one of these languages has, with that section."""
    rivals = [section for section in others if section.code != code and set(section.languages) & set(languages)]
    return {country: section for section in rivals for country in countries if country in section.countries}


def checked_section(
    code: str, form: dict[str, Any], *, before: dict[str, Any], others: Iterable[OtherSection]
) -> dict[str, Any]:
    """Return the cleaned values of a section. Raises InvalidFieldsError.

    Countries and languages that are among its stored values (`before`) stay allowed, even if they are unknown. The
    countries of `international` cannot be chosen: it has every country that no other section claims.
    """
    others = [section for section in others if section.code != code]
    values = {name: form[name] for name in FIELDS}
    values["name"], values["time_zone"] = clean(values["name"], lines=False), values["time_zone"].strip()
    for name in ("countries", "languages"):
        values[name] = list(dict.fromkeys(values[name]))
    if code == INTERNATIONAL:
        values["countries"] = before["countries"]
    faults = {
        "name": "no-name" if not values["name"] else "too-long" if len(values["name"]) > _MAX_NAME_LENGTH else None,
        "countries": _countries_fault(code, values, before, others),
        "languages": _languages_fault(values["languages"], before),
        "time_zone": None if values["time_zone"] in available_timezones() else "no-zone",
        "tile": _tile_fault(values["tile"], others),
        "position": None if _number(values["position"], _MAX_POSITION) is not None else "no-number",
    }
    for name in ("contact", "reply_to"):
        values[name] = values[name].strip()
        try:
            values[name] = str(parse_address(values[name])) if values[name] else ""
        except InputError:
            faults[name] = "not-an-address"
    if not values["contact"]:
        faults["contact"] = "missing"
    # The address is sent in a header, and not every mail server accepts other characters there (RFC 5322, 3.6.2).
    if not values["reply_to"].isascii():
        faults["reply_to"] = "not-an-address"
    actual_faults = {name: fault for name, fault in faults.items() if fault}
    if actual_faults:
        raise InvalidFieldsError(actual_faults)
    values["position"] = int(values["position"])
    values["tile"] = None if values["tile"] is None else [int(part) for part in values["tile"]]
    return values


def _countries_fault(
    code: str, values: dict[str, Any], before: dict[str, Any], others: Iterable[OtherSection]
) -> str | None:
    """Return `unknown` or `claimed`; None if the countries are valid."""
    if not (COUNTRIES | set(before.get("countries", []))).issuperset(values["countries"]):
        return "unknown"
    return "claimed" if claimed_countries(code, values["countries"], values["languages"], others) else None


def _languages_fault(languages: list[str], before: dict[str, Any]) -> str | None:
    if not languages:
        return "missing"
    stored = before.get("languages", [])
    return None if all(is_language(code) or code in stored for code in languages) else "unknown"


def _tile_fault(tile: list[Any] | None, others: Iterable[OtherSection]) -> str | None:
    """Return `no-tile` or `taken`; None if the tile is valid or there is none."""
    if tile is None:
        return None
    parts = [_number(part, _MAX_TILE) for part in tile]
    if None in parts:
        return "no-tile"
    return "taken" if parts in [list(section.tile) for section in others if section.tile is not None] else None


def _number(value: Any, maximum: int) -> int | None:
    """Return the whole number from 0 to `maximum`; None if the value is not one."""
    text = str(value).strip()
    return int(text) if re.fullmatch("[0-9]{1,6}", text, re.ASCII) and int(text) <= maximum else None
