"""Cleaning and checking of an appeal's forms: its text in one language, a target, and the facts.

Every check reports all faults of a form at once, as a code for each field, which pages translate.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from campaign.domain.appeals.appeal import TargetKind
from campaign.domain.appeals.slug import is_slug
from campaign.domain.country import COUNTRIES
from campaign.domain.errors import InputError, InvalidFieldsError
from campaign.domain.sections.section import INTERNATIONAL
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.pasted_address import pasted_address
from campaign.domain.typed_text import clean, is_language

MAX_HEADLINE_LENGTH = 300
MAX_TEXT_LENGTH = 40_000
MAX_LINE_LENGTH = 500
MAX_LIST_ITEMS = 60
MAX_GOAL = 100_000_000
TEXT_FIELDS = ("headline", "people", "summary", "salutation", "paragraphs", "closing", "talking_points", "background")
FACT_FIELDS = ("slug", "goal", "deadline", "country", "languages", "own_language", "sections", "risk_countries",
               "initials_only")  # fmt: skip
TARGET_FIELDS = ("kind", "country", "emails", "faxes", "phones", "social", "words")
_PHONE_NUMBER = re.compile(r"[+0-9(][0-9 ().,;/x+-]{3,60}(?:\s*(?:ext|poste|Durchwahl)\.?\s*\d+)?", re.IGNORECASE)
_NETWORK = re.compile(r"[a-z][a-z0-9_.-]{0,30}")


def checked_text(form: dict[str, Any]) -> dict[str, Any]:
    """Return the cleaned values of an appeal text, from form fields of the same names. Raises InvalidFieldsError."""
    values: dict[str, Any] = {
        "headline": clean(form["headline"], lines=False),
        "people": [
            {"name": name, "pronoun": clean(person.get("pronoun") or "", lines=False) or None}
            for person in form["people"]
            if (name := clean(person.get("name") or "", lines=False))
        ],
        "summary": clean(form["summary"]),
        "salutation": clean(form["salutation"] or "", lines=False) or None,
        "paragraphs": _clean_lines(form["paragraphs"]),
        "closing": clean(form["closing"] or "", lines=False) or None,
        "talking_points": _clean_lines(form["talking_points"]),
        "background": clean(form["background"]),
    }
    faults = {}
    if not values["headline"]:
        faults["headline"] = "missing"
    for name in TEXT_FIELDS:
        max_length = {"headline": MAX_HEADLINE_LENGTH, "salutation": MAX_LINE_LENGTH, "closing": MAX_LINE_LENGTH}.get(
            name, MAX_TEXT_LENGTH
        )
        if _length(values[name]) > max_length:
            faults[name] = "too-long"
        elif "\ufffd" in str(values[name]):
            faults[name] = "unreadable"
    if faults:
        raise InvalidFieldsError(faults)
    return values


def checked_target(form: dict[str, Any], languages: tuple[str, ...]) -> dict[str, Any]:
    """Return the cleaned values of a target, with its words in those languages. Raises InvalidFieldsError.

    `words` has no language in which the form has none: the target is not shown in it.
    """
    contacts = {name: list(dict.fromkeys(_clean_lines(form[name]))) for name in ("emails", "faxes", "phones")}
    words = {}
    for language in languages:
        form_words = form["words"].get(language, {})
        values: dict[str, Any] = {
            name: clean(form_words.get(name) or "", lines=False) or None for name in ("role", "name", "salutation")
        }
        values["address"] = _clean_lines(form_words.get("address", []))
        if any(values.values()):
            words[language] = values
    social = {
        clean(network, lines=False).lower(): clean(handle, lines=False) for network, handle in form["social"].items()
    }
    target = {"kind": form["kind"], "country": form["country"] or None, **contacts, "social": social, "words": words}
    faults = _target_faults(target)
    if faults:
        raise InvalidFieldsError(faults)
    return target


def checked_facts(
    form: dict[str, Any], *, sections: frozenset[str], today: date, before: dict[str, Any]
) -> dict[str, Any]:
    """Return the cleaned facts of an appeal; `sections` are all codes, `before` the stored facts.

    The deadline is checked only if it differs from the stored one. Raises InvalidFieldsError.
    """
    facts = {name: form[name] for name in FACT_FIELDS}
    facts["deadline"], facts["country"] = facts["deadline"] or None, facts["country"] or None
    checks = {
        "slug": None if is_slug(facts["slug"]) else "not-a-slug",
        "goal": _goal_fault(str(facts["goal"]).strip()),
        "deadline": _deadline_fault(facts["deadline"], today) if facts["deadline"] != before["deadline"] else None,
        "country": None if facts["country"] in COUNTRIES | {None} else "unknown",
        "risk_countries": None if COUNTRIES.issuperset(facts["risk_countries"]) else "unknown",
        "languages": None if all(is_language(code) for code in facts["languages"]) else "unknown",
        "sections": None if sections.issuperset(facts["sections"]) else "unknown",
    }
    faults = {field: code for field, code in checks.items() if code}
    if faults:
        raise InvalidFieldsError(faults)
    facts["goal"] = int(facts["goal"])
    # Choosing all sections is stored like choosing none, so that sections that are added later take part too.
    if set(facts["sections"]) >= sections - {INTERNATIONAL}:
        facts["sections"] = []
    return facts


def _goal_fault(text: str) -> str | None:
    """Return `no-number` or `out-of-range`; None if the goal is valid."""
    if not re.fullmatch(r"-?[0-9]{1,12}", text, re.ASCII):
        return "no-number"
    return None if 1 <= int(text) <= MAX_GOAL else "out-of-range"


def _deadline_fault(text: str | None, today: date) -> str | None:
    """Return `no-date`, `past` or `too-far`; None if the deadline (ISO 8601) is valid or there is none."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return "no-date"
    if day < today:
        return "past"
    return "too-far" if day.year > today.year + 10 else None


def _target_faults(target: dict[str, Any]) -> dict[str, str]:
    """Return a code for each invalid field of the target."""
    is_named = any(words["role"] or words["name"] for words in target["words"].values())
    accounts = target["social"].items()
    checks = {
        "kind": None if target["kind"] in set(TargetKind) else "unknown",
        "country": None if target["country"] in COUNTRIES | {None} else "unknown",
        "name": None if is_named else "missing",
        "emails": None if all(map(_is_address, target["emails"])) else "not-an-address",
        "faxes": None if all(map(_PHONE_NUMBER.fullmatch, target["faxes"])) else "no-number",
        "phones": None if all(map(_PHONE_NUMBER.fullmatch, target["phones"])) else "no-number",
        "social": None if all(_NETWORK.fullmatch(name) and handle for name, handle in accounts) else "no-account",
    }
    for name, value in target.items():
        if max(map(len, _texts(value)), default=0) > MAX_LINE_LENGTH:
            checks[name] = "too-long"
        elif isinstance(value, list) and len(value) > MAX_LIST_ITEMS:
            checks[name] = "too-many"
    return {field: code for field, code in checks.items() if code}


def _clean_lines(lines: list[str]) -> list[str]:
    """Return the lines without surplus spaces, and without empty ones."""
    return [cleaned for line in lines if (cleaned := clean(line, lines=False))]


def _is_address(text: str) -> bool:
    """Return whether the text is exactly one address: mail is sent to it unchanged."""
    try:
        parse_address(text)
    except InputError:
        return False
    return pasted_address(text) == text


def _length(value: Any) -> int:
    return sum(map(len, _texts(value)))


def _texts(value: Any) -> list[str]:
    """Return all texts within nested lists and dicts; other values as text, None left out."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [] if value is None else [str(value)]
