"""Cleaning and checking of the forms of an appeal: its text in one language, a target, and the facts.

Every check reports all faults at once: for each field a code that pages translate.
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
_NUMBER = re.compile(r"[+0-9(][0-9 ().,;/x+-]{3,60}(?:\s*(?:ext|poste|Durchwahl)\.?\s*\d+)?", re.IGNORECASE)
_NETWORK = re.compile(r"[a-z][a-z0-9_.-]{0,30}")


def checked_text(typed: dict[str, Any]) -> dict[str, Any]:
    """Return the cleaned values of an appeal text, from form fields of the same names. Raise InvalidFieldsError."""
    words: dict[str, Any] = {
        "headline": clean(typed["headline"], lines=False),
        "people": [
            {"name": name, "pronoun": clean(one.get("pronoun") or "", lines=False) or None}
            for one in typed["people"]
            if (name := clean(one.get("name") or "", lines=False))
        ],
        "summary": clean(typed["summary"]),
        "salutation": clean(typed["salutation"] or "", lines=False) or None,
        "paragraphs": [kept for one in typed["paragraphs"] if (kept := clean(one, lines=False))],
        "closing": clean(typed["closing"] or "", lines=False) or None,
        "talking_points": [kept for one in typed["talking_points"] if (kept := clean(one, lines=False))],
        "background": clean(typed["background"]),
    }
    faults = {}
    if not words["headline"]:
        faults["headline"] = "missing"
    for name in TEXT_FIELDS:
        most = {"headline": MAX_HEADLINE_LENGTH, "salutation": MAX_LINE_LENGTH, "closing": MAX_LINE_LENGTH}.get(
            name, MAX_TEXT_LENGTH
        )
        if _length(words[name]) > most:
            faults[name] = "too-long"
        elif "\ufffd" in str(words[name]):
            faults[name] = "unreadable"
    if faults:
        raise InvalidFieldsError(faults)
    return words


def checked_target(typed: dict[str, Any], languages: tuple[str, ...]) -> dict[str, Any]:
    """Return the cleaned values of a target. Raise InvalidFieldsError.

    A target without words in a language is not shown in it.
    """
    lists = {
        name: list(dict.fromkeys(kept for one in typed[name] if (kept := clean(one, lines=False))))
        for name in ("emails", "faxes", "phones")
    }
    words = {}
    for language in languages:
        said = typed["words"].get(language, {})
        one: dict[str, Any] = {
            name: clean(said.get(name) or "", lines=False) or None for name in ("role", "name", "salutation")
        }
        one["address"] = [kept for line in said.get("address", []) if (kept := clean(line, lines=False))]
        if any(one.values()):
            words[language] = one
    social = {
        clean(network, lines=False).lower(): clean(handle, lines=False) for network, handle in typed["social"].items()
    }
    target = {"kind": typed["kind"], "country": typed["country"] or None, **lists, "social": social, "words": words}
    faults = _target_faults(target)
    if faults:
        raise InvalidFieldsError(faults)
    return target


def checked_facts(
    typed: dict[str, Any], *, sections: frozenset[str], today: date, before: dict[str, Any]
) -> dict[str, Any]:
    """Return the cleaned facts of an appeal. Raise InvalidFieldsError. A deadline is checked only if it has changed."""
    facts = {name: typed[name] for name in FACT_FIELDS}
    facts["deadline"], facts["country"] = facts["deadline"] or None, facts["country"] or None
    found = {
        "slug": None if is_slug(facts["slug"]) else "not-a-slug",
        "goal": _goal_fault(str(facts["goal"]).strip()),
        "deadline": _deadline_fault(facts["deadline"], today) if facts["deadline"] != before["deadline"] else None,
        "country": None if facts["country"] in COUNTRIES | {None} else "unknown",
        "risk_countries": None if COUNTRIES.issuperset(facts["risk_countries"]) else "unknown",
        "languages": None if all(is_language(code) for code in facts["languages"]) else "unknown",
        "sections": None if sections.issuperset(facts["sections"]) else "unknown",
    }
    faults = {field: code for field, code in found.items() if code}
    if faults:
        raise InvalidFieldsError(faults)
    facts["goal"] = int(facts["goal"])
    # All sections chosen means the same as none chosen; so sections that are added later take part too.
    if set(facts["sections"]) >= sections - {INTERNATIONAL}:
        facts["sections"] = []
    return facts


def _goal_fault(text: str) -> str | None:
    if not re.fullmatch(r"-?[0-9]{1,12}", text, re.ASCII):
        return "no-number"
    return None if 1 <= int(text) <= MAX_GOAL else "out-of-range"


def _deadline_fault(text: str | None, today: date) -> str | None:
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
    is_named = any(one["role"] or one["name"] for one in target["words"].values())
    accounts = target["social"].items()
    found = {
        "kind": None if target["kind"] in set(TargetKind) else "unknown",
        "country": None if target["country"] in COUNTRIES | {None} else "unknown",
        "name": None if is_named else "missing",
        "emails": None if all(map(_is_address, target["emails"])) else "not-an-address",
        "faxes": None if all(map(_NUMBER.fullmatch, target["faxes"])) else "no-number",
        "phones": None if all(map(_NUMBER.fullmatch, target["phones"])) else "no-number",
        "social": None if all(_NETWORK.fullmatch(name) and handle for name, handle in accounts) else "no-account",
    }
    for name, value in target.items():
        if max((len(one) for one in _leaves(value)), default=0) > MAX_LINE_LENGTH:
            found[name] = "too-long"
        elif isinstance(value, list) and len(value) > MAX_LIST_ITEMS:
            found[name] = "too-many"
    return {field: code for field, code in found.items() if code}


def _is_address(text: str) -> bool:
    """Return whether the text is an address and nothing else, because mail is sent to it unchanged."""
    try:
        parse_address(text)
    except InputError:
        return False
    return pasted_address(text) == text


def _length(value: Any) -> int:
    return sum(len(one) for one in _leaves(value))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [] if value is None else [str(value)]
