"""Targets that a document writes on one line: role, name and address are told apart by commas and by their words."""

from __future__ import annotations

import re
from dataclasses import replace

from campaign.document.fields.contacts import has_contact, split_contacts, without_links
from campaign.document.fields.languages import country_at_end
from campaign.document.labels import vocabulary
from campaign.document.structure.target.target_lines import (
    has_honorific,
    is_embassy,
    is_name,
    is_role,
    title_and_name,
)
from campaign.document.text.emphasis import plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.normalise import normalise, words

_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-•*·▪–\uf0b7])\s+")
_CARE_OF = re.compile(r"(?<!\w)(?:c/o|c / o|care of|aux bons soins|a/c|z\.hd)(?!\w)")
_BOX = re.compile(r"(?<!\w)p\.? ?o\.? ?box")
_NOTE = re.compile(r"\s*\([^()]*[^()\d][^()]*\)\s*$")
_MIN_WORDS = 5  # of a whole target on one line
_MAX_NAME_WORDS = 4
_MAX_LENGTH = 500  # characters of a line that can be a whole target

OneLineTarget = tuple[str | None, str | None, str]  # role, name, address


def split_target(text: str) -> OneLineTarget | None:
    """Return role, name and address of a target on one line, or None if the line is no whole target."""
    if len(text) > _MAX_LENGTH or len(words(text, _MIN_WORDS)) < _MIN_WORDS:
        return None
    return _split_at_commas(text) or _split_at_words(text)


def _split_at_commas(text: str) -> OneLineTarget | None:
    """Return role, name and address that commas part, such as `Minister of Justice, Ms. Example, 1 Street, Tunis`."""
    parts = [(match.start(), match.group().strip()) for match in re.finditer(r"[^,،]+", text)]
    role: str | None = None
    name: str | None = None
    for index, (start, part) in enumerate(parts):
        following = parts[index + 1][1] if index + 1 < len(parts) else ""
        found = None if _is_address(part) else _role_or_name(part, following, role, name)
        if found is None:
            address = text[start:].strip()
            is_whole = bool(role or name) and (_is_address(address) or "," in address)
            return (role, name, address) if is_whole else None
        role, name = found
    return None


def _is_address(part: str) -> bool:
    return any(char.isdigit() for char in part) or _CARE_OF.search(normalise(part)) is not None


def _role_or_name(
    part: str, following: str, role: str | None, name: str | None
) -> tuple[str | None, str | None] | None:
    """Return role and name with this part added, or None if the part begins the address."""
    titled = title_and_name(part)
    if titled and not (role or name):
        return titled
    if name is None and is_name(part) and not is_embassy(part):
        if has_honorific(part) or role or is_role(following):
            return role, part
        return None
    first_word = next((word.text for word in words(part, 1)), "")
    if name and first_word in vocabulary().single_words("places"):
        return None  # `Office of the President` after the president's name
    if role is None and (is_role(part) or (is_embassy(part) and name is None)):
        return part, name
    if role and name is None and is_role(part) and is_name(following):
        return f"{role}, {part}", None
    return None


def _split_at_words(text: str) -> OneLineTarget | None:
    """Return role, name and address without commas between: `Public Prosecutor Omar Example Office of the …`."""
    for end in _starts_of_address(text):
        before, address = text[:end].strip(" ,"), text[end:].strip()
        if len(words(address, 2)) < 2:
            continue
        titled = title_and_name(before) or _name_and_role(before)
        if titled and len(titled[1].split()) <= _MAX_NAME_WORDS:
            return titled[0], titled[1], address
    return None


def _name_and_role(text: str) -> tuple[str, str] | None:
    """Return the role and the name before it: `His Excellency Omar Example Minister of Interior`."""
    role_words = vocabulary().single_words("roles")
    for word in words(text)[2:]:
        name = text[: word.start].strip(" ,")
        if word.text in role_words and not text[word.start].islower() and is_name(name):
            return text[word.start :].strip(), name
    return None


def _starts_of_address(text: str) -> list[int]:
    """Return where words stand that an address can begin with: a number, a box, a place, an embassy."""
    place_words, embassies = vocabulary().single_words("places"), vocabulary().single_words("embassy")
    starts = [
        word.start
        for word in words(text)[1:]
        if (word.text[0].isdigit() or word.text in place_words or word.text in embassies)
        and not is_role(word.text)
        and not text[word.start].islower()
    ]
    if box := _BOX.search(normalise(text)):
        starts.append(box.start())
    return sorted(starts)


def is_whole_target(line: Line, language: str) -> bool:
    """Return whether a line has role or name, an address, and a contact or a country at its end."""
    text = _LIST_MARK.sub("", without_links(line.text))
    pieces = split_contacts(text)
    if pieces[0].kind is not None:
        return False
    target = split_target(plain_text(pieces[0].text))
    if target is None:
        return False
    is_embassy_with_street = is_embassy(target[0] or "") and any(char.isdigit() for char in target[2])
    has_country = country_at_end(_NOTE.sub("", target[2]), language) is not None
    return has_contact(line.text) or has_country or is_embassy_with_street


def part_target(line: Line, tracker: LineTracker) -> list[Line]:
    """Return the lines of a target on one line: role, name, address, then the contacts; or the line itself.

    A note in brackets behind role, name or address is left out with a warning.
    """
    text = _LIST_MARK.sub("", without_links(line.text))
    pieces = split_contacts(text)
    if pieces[0].kind is not None:
        return [line]
    before = pieces[0].text
    target = split_target(plain_text(before))
    if target is None:
        return [line]
    rest = text[text.index(before) + len(before) :].lstrip(" ,;.") if len(pieces) > 1 else ""
    texts = []
    for part in target:
        if part and (note := _NOTE.search(part)):
            tracker.warn("contact-note", f"words beside the address: {excerpt(note.group().strip())}", line.number)
        texts.append(_NOTE.sub("", part or "").strip(" ,;").removesuffix("."))
    return [replace(line, text=part) for part in (*texts, rest) if part]
