"""Countries and languages by the names that CLDR and the label files give them."""

from __future__ import annotations

from functools import cache

from babel import Locale

from campaign.document.labels import vocabulary
from campaign.document.text.normalise import key

_WIDEST = 8  # words in the longest name worth trying


@cache
def _countries(language: str) -> dict[str, str]:
    named: dict[str, str] = {}
    for code, name in Locale.parse(language).territories.items():
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}:
            named[key(name)] = code
            named.setdefault(key(name.split("(")[0]), code)
    for code, names in vocabulary().countries.get(language, {}).items():
        named.update({key(name): code for name in names})
    return named


@cache
def _tongues(language: str) -> dict[str, str]:
    named: dict[str, str] = {}
    for code, name in Locale.parse(language).languages.items():
        if len(code.split("_")[0]) == 2:
            named.setdefault(key(name), code[:2])
    for code, names in vocabulary().tongues.get(language, {}).items():
        named.update({key(name): code for name in names})
    return named


@cache
def cities() -> frozenset[str]:
    """The cities that CLDR names its time zones after: most capitals are among them."""
    found: set[str] = set()
    for language in vocabulary().languages:
        for zone, entry in Locale.parse(language).time_zones.items():
            if "city" in entry:
                found.add(key(entry["city"]))
            found.add(key(zone.rsplit("/", 1)[-1].replace("_", " ")))
    return frozenset(found)


def _order(language: str) -> tuple[str, ...]:
    return (language, *(other for other in ("en", *vocabulary().languages) if other != language))


def country(name: str, language: str) -> str | None:
    """The code of a country by its name, in the document's language before all others."""
    wanted = key(name)
    for each in _order(language):
        if wanted in _countries(each):
            return _countries(each)[wanted]
    return None


def country_at_end(text: str, language: str) -> str | None:
    """The country that a line of an address ends with: `Bogotá D.C., Colombia`."""
    parts = [part for part in key(text).split() if not part.isdigit()][-_WIDEST:]
    for start in range(len(parts)):
        name = " ".join(parts[start:])
        code = country(name, language)
        if code and not (start and parts[start - 1] == "new"):
            return code
    return None


def country_at_start(text: str, language: str) -> tuple[str, int] | None:
    """The country that a text begins with, and how many words name it."""
    parts = key(text[:200]).split()[:_WIDEST]
    for end in range(len(parts), 0, -1):
        code = country(" ".join(parts[:end]), language)
        if code:
            return code, end
    return None


def countries_in(text: str, language: str) -> list[str]:
    """The countries that a line names, each once, in the document's language or English."""
    parts = key(text[:400]).split()
    found: list[str] = []
    at = 0
    while at < len(parts):
        for end in range(min(len(parts), at + _WIDEST), at, -1):
            name = " ".join(parts[at:end])
            code = _countries(language).get(name) or _countries("en").get(name)
            if code and len(name) > 2:
                if code not in found:
                    found.append(code)
                at = end - 1
                break
        at += 1
    return found


def tongue(name: str, language: str) -> str | None:
    """The ISO 639-1 code of a language by its name."""
    wanted = key(name)
    for each in _order(language):
        if wanted in _tongues(each):
            return _tongues(each)[wanted]
    return None
