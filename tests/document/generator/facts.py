"""Random facts of an invented appeal in a language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from babel.dates import format_date

_LANGUAGES = Path(__file__).parent / "languages.toml"
_REGIONS = ("AFR", "AMR", "ASA", "EUR", "MDE")
_FIRST_DAY = date(2009, 1, 5)
_DAYS = 5800


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """A recipient: what a document says of it, and the code of the country in its address."""

    kind: str
    role: str | None
    name: str | None
    address: tuple[str, ...]
    country: str | None
    salutation: str | None = None
    emails: tuple[str, ...] = ()
    faxes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    twitter: str | None = None

    def expected(self) -> dict[str, Any]:
        """Return the target as `flask appeal parse --json` must print it."""
        return {
            "kind": self.kind,
            "role": self.role,
            "name": self.name,
            "address": list(self.address),
            "country": self.country,
            "salutation": self.salutation,
            "emails": list(self.emails),
            "faxes": list(self.faxes),
            "phones": list(self.phones),
            "social": {"twitter": self.twitter} if self.twitter else {},
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """An appeal: its words come from the language, everything else from a seed."""

    language: str
    words: dict[str, Any]
    number: str  # "31/24"
    index: str
    country: str  # the name of the country
    country_code: str
    issued_on: date
    deadline: date
    headline: str
    summary: str
    targets: tuple[TargetFacts, ...]
    points: tuple[str, ...]
    opening: str
    sentences: tuple[str, ...]

    def date_text(self, day: date) -> str:
        """Return the day as documents in this language write it."""
        return format_date(day, self.words["date"], locale=self.language)

    def label(self, template: str, name: str) -> str:
        """Return a line of a template with the facts in it; an uppercase line has its date in capitals."""
        text: str = self.words[template][name]
        deadline = self.date_text(self.deadline)
        before = text.partition("{deadline}")[0]
        return text.format(
            number=self.number,
            index=self.index,
            country=self.country,
            date=self.date_text(self.issued_on),
            deadline=deadline.upper() if before.isupper() and self.language != "tr" else deadline,
        )


@cache
def languages() -> dict[str, dict[str, Any]]:
    """Return the words of each language."""
    return tomllib.loads(_LANGUAGES.read_text(encoding="utf-8"))


def invent_facts(random: Random, language: str) -> Facts:
    """Return random facts of an appeal in a language."""
    words = languages()[language]
    country = random.choice(words["country"])
    issued_on = _FIRST_DAY + timedelta(days=random.randrange(_DAYS))
    region = random.choice(_REGIONS)
    return Facts(
        language=language,
        words=words,
        number=f"{random.randint(1, 320)}/{issued_on:%y}",
        index=f"{region} {random.randint(10, 70)}/{random.randint(1000, 9000)}/{issued_on.year}",
        country=country["name"],
        country_code=country["code"],
        issued_on=issued_on,
        deadline=issued_on + timedelta(days=random.randint(35, 60)),
        headline=random.choice(words["headlines"]),
        summary=random.choice(words["summaries"]),
        targets=tuple(_invent_targets(random, words, country)),
        points=tuple(random.sample(words["points"], k=random.randint(2, 3))),
        opening=random.choice(words["openings"]),
        sentences=tuple(words["sentences"][: random.randint(2, 3)]),
    )


def _invent_targets(random: Random, words: dict[str, Any], country: dict[str, Any]) -> list[TargetFacts]:
    """Return one to three recipients, then perhaps one for a copy, then perhaps an embassy; no name occurs twice."""
    families = random.sample(words["family"], k=5)
    roles = random.sample(words["roles"], k=4)
    targets = [
        _invent_official(random, words, country, roles.pop(), families.pop())
        for _ in range(random.choice((1, 1, 2, 2, 3)))
    ]
    if random.random() < 0.3:
        official = _invent_official(random, words, country, roles.pop(), families.pop())
        targets.append(replace(official, kind="copy", salutation=None))
    if random.random() < 0.4:
        targets.append(_invent_embassy(random, words, country, families.pop()))
    return targets


def _invent_official(
    random: Random, words: dict[str, Any], country: dict[str, Any], role: str, family: str
) -> TargetFacts:
    address = [random.choice(words["streets"]).format(n=random.randint(1, 900))]
    if random.random() < 0.3:
        address.insert(0, random.choice(words["institutions"]))
    town = random.choice(country["towns"])
    comma = "، " if words is languages()["ar"] else ", "
    address += [f"{town}{comma}{country['name']}"] if random.random() < 0.6 else [town, country["name"]]
    number = random.randint(100, 999)
    return TargetFacts(
        kind="primary",
        role=role,
        name=f"{random.choice(words['titles'])}{random.choice(words['given'])} {family}",
        address=tuple(address),
        country=country["code"],
        salutation=random.choice(words["salutations"]) if random.random() < 0.7 else None,
        emails=tuple(f"{name}{number}@ministry.example" for name in ("office", "press")[: random.choice((0, 1, 1, 2))]),
        faxes=(f"+00 0 000 {number}",) if random.random() < 0.5 else (),
        phones=(f"+00 1 000 {number}",) if random.random() < 0.2 else (),
        twitter=f"@example_{number}" if random.random() < 0.2 else None,
    )


def _invent_embassy(random: Random, words: dict[str, Any], country: dict[str, Any], family: str) -> TargetFacts:
    number = random.randint(100, 999)
    has_name = random.random() < 0.5
    return TargetFacts(
        kind="embassy",
        role=country["embassy"],
        name=f"{random.choice(words['titles'])}{random.choice(words['given'])} {family}" if has_name else None,
        address=tuple(random.choice(words["abroad"])),
        country=None,
        emails=(f"embassy{number}@embassy.example",) if random.random() < 0.6 else (),
        faxes=(f"000-0000 {number}",) if random.random() < 0.6 else (),
    )
