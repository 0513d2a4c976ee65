"""The shapes of documents: how a template, a section or another network writes the facts of an appeal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.document.generator.facts import Facts, TargetFacts

Shape = Callable[[Facts, Random], "WrittenDocument"]


@dataclass(frozen=True, slots=True)
class WrittenDocument:
    """The lines of a document, and what a careful person would read in it: targets and other fields."""

    lines: tuple[str, ...]
    targets: tuple[TargetFacts, ...]
    facts: Facts
    fields: dict[str, Any]


def contact_lines(target: TargetFacts, facts: Facts) -> list[str]:
    """Return the contacts of a target, each with its label, then its salutation."""
    words = facts.words
    values = [
        (words["fax"], ", ".join(target.faxes)),
        (words["phone"], ", ".join(target.phones)),
        (words["email"], ", ".join(target.emails)),
        ("Twitter", target.twitter or ""),
        (words["salutation"], target.salutation or ""),
    ]
    return [f"{label}{words['colon']} {value}" for label, value in values if value]


def block(target: TargetFacts, facts: Facts, *, name_first: bool = False) -> list[str]:
    """Return a target with role, name, each line of the address and each contact on a line of its own."""
    names = [part for part in (target.role, target.name) if part]
    return [*(reversed(names) if name_first else names), *target.address, *contact_lines(target, facts)]


def blocks(targets: tuple[TargetFacts, ...], facts: Facts, *, name_first: bool = False) -> list[str]:
    """Return targets with a blank line after each."""
    return [line for target in targets for line in (*block(target, facts, name_first=name_first), "")]


def _of_kind(facts: Facts, *kinds: str) -> tuple[TargetFacts, ...]:
    return tuple(target for target in facts.targets if target.kind in kinds)


def _without_salutation(targets: tuple[TargetFacts, ...]) -> tuple[TargetFacts, ...]:
    return tuple(replace(target, salutation=None) for target in targets)


def _paragraphs(*texts: str) -> list[str]:
    """Return the texts that are not empty, with a blank line after each."""
    return [line for text in texts if text for line in (text, "")]


def _header_fields(facts: Facts) -> dict[str, Any]:
    """Return the fields of a template's header and its deadline."""
    return {
        "reference": f"UA {facts.number}",
        "series": "UA",
        "sequence": 1,
        "index": facts.index,
        "issued_on": facts.issued_on.isoformat(),
        "language": facts.language,
        "country": facts.country_code,
        "headline": facts.headline,
        "deadline": facts.deadline.isoformat(),
    }


def _letter_fields(facts: Facts) -> dict[str, Any]:
    """Return the fields of a document with a model letter."""
    letter = {"salutation": facts.opening, "paragraphs": list(facts.sentences), "closing": facts.words["closing"]}
    return {"letter": letter, "talking_points": []}


def _no_letter(facts: Facts) -> dict[str, Any]:
    """Return the fields of a document with points instead of a letter."""
    return {"letter": None, "talking_points": list(facts.points)}


def old_template(facts: Facts, random: Random) -> WrittenDocument:
    """Return a document of 2009 to 2018: points, targets with salutations, then copies."""
    copies = _of_kind(facts, "copy", "embassy")
    bullet = random.choice(("- ", "• ", "* "))
    lines = _paragraphs(facts.label("old", "header"), facts.words["old"]["banner"], facts.headline, facts.summary)
    lines += [facts.words["old"]["write"], *(f"{bullet}{point}" for point in facts.points), ""]
    lines += [facts.label("old", "appeals"), "", *blocks(_of_kind(facts, "primary"), facts)]
    if copies:
        lines += [facts.words["old"]["copies"], *blocks(copies, facts)]
    lines += _paragraphs(facts.words["old"]["diplomatic"], facts.words["old"]["late"])
    lines += _paragraphs(facts.words["old"]["background"], facts.words["background"])
    fields = {**_header_fields(facts), **_no_letter(facts)}
    return WrittenDocument(tuple(lines), (*_of_kind(facts, "primary"), *copies), facts, fields)


def new_template(facts: Facts, random: Random) -> WrittenDocument:
    """Return a document of 2018 on: one or two targets, then the model letter."""
    targets = _without_salutation(_of_kind(facts, "primary"))[: random.choice((1, 1, 2))]
    lines = _new_head(facts)
    lines += [*_paragraphs(facts.words["new"]["act"]), *blocks(targets, facts), *_letter(facts), *_new_foot(facts)]
    return WrittenDocument(tuple(lines), targets, facts, {**_header_fields(facts), **_letter_fields(facts)})


def letter_above(facts: Facts, _random: Random) -> WrittenDocument:
    """Return a document with the model letter above the addresses."""
    targets = _without_salutation(_of_kind(facts, "primary"))[:2]
    lines = _new_head(facts)
    lines += [*_paragraphs(facts.words["new"]["act"]), *_letter(facts)]
    lines += [*_paragraphs(facts.words["new"]["above"]), *blocks(targets, facts), *_new_foot(facts)]
    return WrittenDocument(tuple(lines), targets, facts, {**_header_fields(facts), **_letter_fields(facts)})


def _new_head(facts: Facts) -> list[str]:
    return _paragraphs(facts.label("new", "header"), facts.words["old"]["banner"], facts.headline, facts.summary)


def _letter(facts: Facts) -> list[str]:
    return _paragraphs(facts.opening, *facts.sentences, facts.words["closing"])


def _new_foot(facts: Facts) -> list[str]:
    new = facts.words["new"]
    lines = _paragraphs(facts.words["old"]["background"], facts.words["background"])
    lines += [new["language"], new["own"], ""]
    return lines + _paragraphs(facts.label("new", "deadline"), new["late"])


def nineties(facts: Facts, _random: Random) -> WrittenDocument:
    """Return a document of 1994 to 2008 in English, its targets numbered."""
    copies = _of_kind(facts, "copy")
    year = facts.issued_on.year
    lines = [f"EXTERNAL{'':>40}AI Index: {facts.index}", ""]
    lines += _paragraphs(f"UA {facts.number}          Fear of torture          {facts.date_text(facts.issued_on)}")
    lines += _paragraphs(f"{facts.country.upper()}          {year - 2000} farmers", facts.summary)
    lines += ["RECOMMENDED ACTION: Please send faxes/express and airmail letters in English or your own language:"]
    lines += [*(f"- {point}" for point in facts.points), "", "APPEALS TO:", ""]
    for number, target in enumerate(_of_kind(facts, "primary"), start=1):
        first, *rest = block(target, facts)
        lines += [f"{number}. {first}", *rest, ""]
    if copies:
        lines += ["COPIES TO:", "", *blocks(copies, facts)]
    deadline = facts.date_text(facts.deadline)
    lines += _paragraphs(
        "PLEASE SEND APPEALS IMMEDIATELY. Check with the International Secretariat, or your section office, if sending"
        f" appeals after {deadline}."
    )
    fields = {**_header_fields(facts), **_no_letter(facts), "headline": "Fear of torture"}
    return WrittenDocument(tuple(lines), (*_of_kind(facts, "primary"), *copies), facts, fields)


def us_section(facts: Facts, random: Random) -> WrittenDocument:
    """Return a page of the section in the United States: role and name of each target on one line."""
    officials = [replace(target, name=_plain_name(target)) for target in _of_kind(facts, "primary")][:2]
    ambassador = _ambassador(facts)
    lines = _paragraphs(
        f"Urgent Action: {facts.headline} ({facts.country}: UA {facts.number.replace('/', '.')})",
        f"{facts.issued_on:%B} {facts.issued_on.day}, {facts.issued_on.year}",
        facts.summary,
    )
    lines += ["TAKE ACTION:", "1. Write a letter in your own words or using the sample below as a guide to one or both"]
    lines[-1] += " government officials listed. You can also email, fax, call or Tweet them."
    lines += [
        "2. Click here to let us know the actions you took.",
        "",
        random.choice(("CONTACT INFORMATION", "Contact Information:")),
    ]
    for target in officials:
        lines += [f"{target.role} {target.name}", *target.address, *contact_lines(target, facts), ""]
    for target in ambassador:
        lines += [f"Ambassador {target.name}", *target.address, *contact_lines(target, facts), ""]
    lines += [*_paragraphs("SAMPLE LETTER"), *_letter(facts)]
    lines += _paragraphs(
        f"This Urgent Action expires on {facts.deadline:%B} {facts.deadline.day}, {facts.deadline.year}."
    )
    fields = {**_header_fields(facts), **_letter_fields(facts), "index": None}
    return WrittenDocument(tuple(lines), (*officials, *ambassador), facts, fields)


def _ambassador(facts: Facts) -> list[TargetFacts]:
    """Return the embassy with its ambassador as the role, if the facts name one."""
    return [
        replace(target, role="Ambassador", name=_plain_name(target), address=(str(target.role), *target.address))
        for target in _of_kind(facts, "embassy")
        if target.name
    ]


def _plain_name(target: TargetFacts) -> str:
    """Return the given name and the family name."""
    return " ".join((target.name or "").split()[-2:])


OBSERVATORY = {
    "en": (
        "URGENT APPEAL - THE OBSERVATORY",
        "The Observatory requests your urgent intervention.",
        "Actions requested:",
        "Please write to the authorities, urging them to:",
        "Addresses:",
    ),
    "fr": (
        "APPEL URGENT - L'OBSERVATOIRE",
        "L'Observatoire requiert votre intervention urgente.",
        "Actions demandées :",
        "Veuillez écrire aux autorités afin de leur demander de :",
        "Adresses :",
    ),
    "es": (
        "LLAMADO URGENTE - EL OBSERVATORIO",
        "El Observatorio solicita su intervención urgente.",
        "Acción solicitada:",
        "Por favor, escriban a las autoridades urgiéndolas a:",
        "Direcciones:",
    ),
}


def observatory(facts: Facts, random: Random) -> WrittenDocument:
    """Return an appeal of the Observatory: each target on one line."""
    title, intervention, actions, write, addresses = OBSERVATORY[facts.language]
    targets = [
        replace(target, address=(", ".join(target.address),), salutation=None, twitter=None)
        for target in _of_kind(facts, "primary", "embassy")
    ]
    mark = random.choice(("- ", "• ", ""))
    code = f"{facts.number.partition('/')[0]:>03}"
    lines = _paragraphs(title, f"{facts.country[:3].upper()} 001 / 0105 / OBS {code}")
    lines += [facts.headline.capitalize(), facts.country, facts.date_text(facts.issued_on), ""]
    lines += [*_paragraphs(intervention, facts.summary, actions, write)]
    lines += [*(f"{numeral}. {point}" for numeral, point in zip(("i", "ii", "iii"), facts.points, strict=False)), ""]
    lines += [addresses, ""]
    for target in targets:
        lines.append(mark + ", ".join(block(target, facts)))
    lines += ["", "***"]
    fields = {**_header_fields(facts), **_no_letter(facts), "index": None, "deadline": None}
    fields |= {"reference": f"OBS {code}", "series": "OBS", "headline": facts.headline.capitalize()}
    return WrittenDocument(tuple(lines), tuple(targets), facts, fields)


def letter_then_numbered(facts: Facts, _random: Random) -> WrittenDocument:
    """Return an appeal of the Asian network: the letter, then numbered targets with the name before the role."""
    targets = _without_salutation(_of_kind(facts, "primary"))
    lines = _paragraphs("URGENT APPEALS PROGRAMME", facts.date_text(facts.issued_on))
    lines += _paragraphs(f"{facts.country.upper()}: {facts.headline.capitalize()}", "Dear friends,", facts.summary)
    lines += _paragraphs("SUGGESTED ACTION:", "Please send letters to the authorities listed below.", "SAMPLE LETTER:")
    lines += [*_letter(facts), *_paragraphs("PLEASE SEND YOUR LETTERS TO:")]
    for number, target in enumerate(targets, start=1):
        first, *rest = block(target, facts, name_first=True)
        lines += [f"{number}. {first}", *rest, ""]
    fields = {"issued_on": facts.issued_on.isoformat(), "country": facts.country_code, "deadline": None}
    fields |= {"headline": f"{facts.country.upper()}: {facts.headline.capitalize()}", **_letter_fields(facts)}
    return WrittenDocument(tuple(lines), targets, facts, fields)


def name_first(facts: Facts, _random: Random) -> WrittenDocument:
    """Return a page without a heading for the call: the name of each target before its role, then the letter."""
    targets = _without_salutation(_of_kind(facts, "primary"))[:2]
    lines = _paragraphs(f"{facts.country}: {facts.headline.capitalize()}", facts.summary)
    lines += [*_paragraphs(facts.words["new"]["above"]), *blocks(targets, facts, name_first=True), *_letter(facts)]
    lines += _paragraphs(facts.label("new", "deadline"))
    fields = {"deadline": facts.deadline.isoformat(), "country": facts.country_code, "reference": None}
    fields |= {"headline": f"{facts.country}: {facts.headline.capitalize()}", **_letter_fields(facts)}
    return WrittenDocument(tuple(lines), targets, facts, fields)


# Each shape with the languages that it is written in; none stands for all.
SHAPES: dict[str, tuple[Shape, tuple[str, ...]]] = {
    "old template": (old_template, ()),
    "new template": (new_template, ()),
    "letter above": (letter_above, ()),
    "name first": (name_first, ()),
    "nineties": (nineties, ("en",)),
    "US section": (us_section, ("en",)),
    "Observatory": (observatory, tuple(OBSERVATORY)),
    "letter, numbered": (letter_then_numbered, ("en",)),
}
