"""Countries to choose from, and names of countries, languages and sections in the reader's language (CLDR)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from babel import Locale

# CLDR has more codes than ISO 3166-1: groupings, reserved and test codes. Kosovo (XK) stays, because people live there.
_NO_COUNTRIES = {"AC", "AN", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}

COUNTRIES = frozenset(
    code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRIES
)


@lru_cache(maxsize=16)
def country_names(locale: str) -> tuple[tuple[str, str], ...]:
    """Return code and name of every country, in the alphabetical order of the names without accents."""
    territories = Locale(locale).territories
    named = [(code, str(territories.get(code) or code)) for code in COUNTRIES]
    return tuple(sorted(named, key=lambda pair: _sorting(pair[1])))


def country_name(code: str | None, locale: str) -> str:
    """Return the country's name, or its code if CLDR has no name; an empty string for no country."""
    return str(Locale(locale).territories.get(code) or code) if code else ""


def find_country(text: str, locales: tuple[str, ...]) -> str | None:
    """Return the code of a country given as its code or as its name in one of the languages; None if unknown."""
    stripped = text.strip()
    if stripped.upper() in COUNTRIES:
        return stripped.upper()
    return _codes(locales).get(_sorting(stripped))


@lru_cache(maxsize=4)
def _codes(locales: tuple[str, ...]) -> dict[str, str]:
    return {_sorting(name): code for locale in locales for code, name in country_names(locale)}


def language_name(code: str, locale: str) -> str:
    """Return the language's name, or its code if CLDR has no name."""
    return str(Locale(locale).languages.get(code) or code)


def section_name(code: str, fallback: str, locale: str) -> str:
    """Return the name of the section's country, with the language if the country has several sections."""
    country, _, language = code.partition("-")
    name = str(Locale(locale).territories.get(country.upper()) or fallback)
    return f"{name} ({language_name(language, locale)})" if language else name


def _sorting(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
