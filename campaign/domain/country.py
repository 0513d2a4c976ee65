"""Countries as a supporter chooses one, and the names of sections, by CLDR in the reader's language."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from babel import Locale

# CLDR names more than ISO 3166-1 does: groupings, reserved and test codes. Kosovo (XK) stays: people live there.
_NO_COUNTRIES = {"AC", "AN", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}

COUNTRIES = frozenset(
    code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRIES
)


@lru_cache(maxsize=16)
def country_names(locale: str) -> tuple[tuple[str, str], ...]:
    """(code, name) of every country, in the alphabetical order of the names without their accents."""
    territories = Locale(locale).territories
    named = [(code, str(territories.get(code) or code)) for code in COUNTRIES]
    return tuple(sorted(named, key=lambda pair: _sorting(pair[1])))


def country_name(code: str | None, locale: str) -> str:
    """The country's name, or its code where CLDR has none; empty for no country."""
    return str(Locale(locale).territories.get(code) or code) if code else ""


def find_country(text: str, locales: tuple[str, ...]) -> str | None:
    """The code of a country that somebody wrote as its code or as its name in one of the languages."""
    written = text.strip()
    if written.upper() in COUNTRIES:
        return written.upper()
    return _codes(locales).get(_sorting(written))


@lru_cache(maxsize=4)
def _codes(locales: tuple[str, ...]) -> dict[str, str]:
    return {_sorting(name): code for locale in locales for code, name in country_names(locale)}


def language_name(code: str, locale: str) -> str:
    """The language's name, or its code where CLDR has none."""
    return str(Locale(locale).languages.get(code) or code)


def section_name(code: str, fallback: str, locale: str) -> str:
    """The section's country, with the language where a country has several sections."""
    country, _, language = code.partition("-")
    name = str(Locale(locale).territories.get(country.upper()) or fallback)
    return f"{name} ({language_name(language, locale)})" if language else name


def _sorting(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
