"""ISO codes of countries and languages by the names in CLDR and the label files."""

from __future__ import annotations

from functools import cache

from babel import Locale

from campaign.document.labels import vocabulary
from campaign.document.text.normalise import normalised

_MAX_NAME_WORDS = 8  # the longest names have so many


@cache
def _country_codes(language: str) -> dict[str, str]:
    """Return the country codes by normalised name in one language."""
    codes: dict[str, str] = {}
    for code, name in Locale.parse(language).territories.items():
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}:
            codes[normalised(name)] = code
            codes.setdefault(normalised(name.split("(")[0]), code)
    for code, names in vocabulary().country_names.get(language, {}).items():
        codes.update({normalised(name): code for name in names})
    return codes


@cache
def _language_codes(language: str) -> dict[str, str]:
    """Return the language codes by normalised name in one language."""
    codes: dict[str, str] = {}
    for code, name in Locale.parse(language).languages.items():
        if len(code.split("_")[0]) == 2:
            codes.setdefault(normalised(name), code[:2])
    for code, names in vocabulary().language_names.get(language, {}).items():
        codes.update({normalised(name): code for name in names})
    return codes


@cache
def city_names() -> frozenset[str]:
    """Return the normalised names of the cities after which CLDR names time zones; most capitals are among them."""
    names: set[str] = set()
    for language in vocabulary().languages:
        for zone, entry in Locale.parse(language).time_zones.items():
            if "city" in entry:
                names.add(normalised(entry["city"]))
            names.add(normalised(zone.rsplit("/", 1)[-1].replace("_", " ")))
    return frozenset(names)


def _search_order(language: str) -> tuple[str, ...]:
    """Return the languages in which names are searched: the document's, English, then the others."""
    return (language, *(other for other in ("en", *vocabulary().languages) if other != language))


def country_code(name: str, language: str) -> str | None:
    """Return the code of a country by its name, or None. The document's language is searched first."""
    spelling = normalised(name)
    for search_language in _search_order(language):
        if spelling in _country_codes(search_language):
            return _country_codes(search_language)[spelling]
    return None


def country_at_end(text: str, language: str) -> str | None:
    """Return the code of the country at the end of an address line, or None: `Bogotá D.C., Colombia`."""
    name_words = [part for part in normalised(text).split() if not part.isdigit()][-_MAX_NAME_WORDS:]
    for start in range(len(name_words)):
        name = " ".join(name_words[start:])
        code = country_code(name, language)
        if code and not (start and name_words[start - 1] == "new"):
            return code
    return None


def country_at_start(text: str, language: str) -> tuple[str, int] | None:
    """Return the code of the country at the start of a text and the number of words in its name, or None."""
    name_words = normalised(text[:200]).split()[:_MAX_NAME_WORDS]
    for end in range(len(name_words), 0, -1):
        code = country_code(" ".join(name_words[:end]), language)
        if code:
            return code, end
    return None


def countries_in(text: str, language: str) -> list[str]:
    """Return the codes of the countries in a line, without repeats, by names in the document's language or English."""
    name_words = normalised(text[:400]).split()
    codes: list[str] = []
    start = 0
    while start < len(name_words):
        for end in range(min(len(name_words), start + _MAX_NAME_WORDS), start, -1):
            name = " ".join(name_words[start:end])
            code = _country_codes(language).get(name) or _country_codes("en").get(name)
            if code and len(name) > 2:
                if code not in codes:
                    codes.append(code)
                start = end - 1
                break
        start += 1
    return codes


def language_code(name: str, language: str) -> str | None:
    """Return the ISO 639-1 code of a language by its name, or None. The document's language is searched first."""
    spelling = normalised(name)
    for search_language in _search_order(language):
        if spelling in _language_codes(search_language):
            return _language_codes(search_language)[spelling]
    return None
