"""Doubts about the parts of a target: two targets in one, or a name that was not told from role or address."""

from __future__ import annotations

import re
from itertools import pairwise

from campaign.document.draft import DraftTarget
from campaign.document.fields.languages import country_at_end
from campaign.document.labels import vocabulary
from campaign.document.structure.target.target_lines import has_honorific, is_embassy, is_name, is_role, names_place
from campaign.document.text.normalise import normalise, words

_CARE_OF = re.compile(r"(?<!\w)(?:c/o|care of|aux bons soins|a/c|z\.hd)(?!\w)")
_MAX_ROLE_WORDS = 12


def find_doubt(target: DraftTarget, language: str) -> str | None:
    """Return why the parts of a target are in doubt, or None."""
    if _has_two_places(target, language) or any(_holds_another(line) for line in target.address):
        return "perhaps two targets: two countries, offices or embassies stand in one address"
    if target.role and (any(char.isdigit() for char in target.role) or len(words(target.role)) > _MAX_ROLE_WORDS):
        return "perhaps the role has part of the address"
    if target.role and target.name is None and (_hides_name(target.role) or _begins_with_name(target)):
        return "perhaps a name stands in the role or in the address"
    if target.salutation and any(is_embassy(part) for part in target.salutation.split()[-3:-1]):
        return "perhaps the salutation has the beginning of the next target"
    return None


def _has_two_places(target: DraftTarget, language: str) -> bool:
    """Return whether the address ends in a country twice, or has an embassy that is not its way."""
    text = " ".join(target.address)
    if _CARE_OF.search(normalise(text)):
        return False
    lines = [line for line in target.address if not is_embassy(line)]
    countries = {code for line in lines if (code := country_at_end(line, language))}
    later_lines = target.address[1:] if target.role else target.address[2:]
    has_other = any(is_embassy(line.lstrip("•-– ")) and len(words(line)) > 3 for line in later_lines)
    return len(countries) > 1 or (has_other and target.kind != "embassy")


def _holds_another(line: str) -> bool:
    """Return whether an address line has an office with a name after it, a second embassy, or is a number alone."""
    parts = [part.strip() for part in re.split("[,،]", line)]
    has_holder = any(is_role(office) and is_name(name) for office, name in pairwise(parts))
    return has_holder or re.fullmatch(r"[\d +()/-]{6,40}", line) is not None


def _hides_name(role: str) -> bool:
    """Return whether a role begins or ends with a title before a name, or begins with a person's name."""
    parts = role.split()
    begins = len(parts) > 3 and (has_honorific(role) or (is_name(" ".join(parts[:2])) and is_role(" ".join(parts[2:]))))
    honorifics = vocabulary().single_words("honorifics")
    ends = any(
        word.text in honorifics
        and not is_role(word.text)
        and not role[word.start].islower()
        and word.end > word.start + 1
        for word in words(role)[1:-1]
    )
    return begins or ends


def _begins_with_name(target: DraftTarget) -> bool:
    """Return whether the first line of the address begins with a title before a name, or with a name and a place."""
    first = target.address[0] if target.address else ""
    parts = first.split()
    begins_with_two_names = len(parts) > 3 and is_name(" ".join(parts[:2])) and not names_place(" ".join(parts[:2]))
    return has_honorific(first) or (begins_with_two_names and "," not in " ".join(parts[:2]) and names_place(first))
