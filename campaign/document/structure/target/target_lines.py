"""Division of the lines of one target into role, name, address and contact details, by their words."""

from __future__ import annotations

import re
from functools import cache

from campaign.document.draft import DraftTarget
from campaign.document.fields import contacts
from campaign.document.fields.contacts import Contacts
from campaign.document.fields.languages import city_names, countries_in, country_at_end, country_at_start, country_code
from campaign.document.labels import vocabulary
from campaign.document.text.emphasis import is_bold, plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.normalise import NormalisedWord, normalise, normalised, words

_CARE_OF = re.compile(r"(?<!\w)(?:c/o|c / o|care of|aux bons soins|a/c|z\.hd)(?!\w)")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-•*▪\uf0b7])\s+")
_PARTICLES = frozenset(
    (
        "al el bin bint ibn de del della di da dos das do la le les los las van von der den ten ter y e i und "
        "et abu ben ould af ul ur bel ait"
    ).split()
)
# Offices that are surnames too, in any of the languages.
_SURNAMES = frozenset("king rey könig konig roi reyes judge mayor maire major sultan emir chef rei conde".split())
_JOINING_WORDS = frozenset(("and of et de du des y del und der des e di da do the for para pour für").split())


def read_target(lines: list[Line], kind: str, language: str, tracker: LineTracker) -> DraftTarget | None:
    """Return the target that these lines describe, or None if they have no part of one. Mark every line as used."""
    details = Contacts()
    styled_texts: list[tuple[str, bool]] = []  # each with whether its line is bold
    original_texts: dict[str, str] = {}
    for line in lines:
        remainder = contacts.read_contacts(line, details, tracker)
        tracker.mark_used(line)
        if remainder and line.is_joined:
            tracker.warn("line-joined", f"taken as one line that was wrapped: {excerpt(remainder)}", line.number)
        if remainder:
            text = _LIST_MARK.sub("", remainder) if not styled_texts else remainder
            trimmed = text.strip(" ,;")
            original_texts[trimmed] = text.strip()
            styled_texts.append((trimmed, is_bold(line.text)))
    if details.pending_kind:
        tracker.warn("contact-note", f"no value after the word for {details.pending_kind}", lines[-1].number)
    role, name, address = _find_role_and_name(_split_or_join(styled_texts), language)
    kind = _target_kind(kind, role, name, address)
    country_code = _target_country(kind, role, name, address, language)
    if not (role or name or address or details.emails or details.faxes or details.phones or details.social):
        return None
    if not role and not name:
        tracker.warn("target-unnamed", "a target without role and name", lines[0].number)
    return DraftTarget(
        kind=kind,
        role=role,
        name=name,
        address=tuple(original_texts.get(text, text) for text in address),
        country=country_code,
        salutation=details.salutation,
        emails=tuple(details.emails),
        faxes=tuple(details.faxes),
        phones=tuple(details.phones),
        social=dict(details.social),
    )


def _split_or_join(styled_texts: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Return the texts, with a target on one line split at commas, and a role broken over two lines joined."""
    if len(styled_texts) == 1 and styled_texts[0][0].count(",") >= 2:
        first, second, *others = (part.strip() for part in styled_texts[0][0].split(","))
        if (is_role(first) and is_name(second)) or (is_name(first) and is_role(second)):
            return [(first, True), (second, False), (", ".join(others), False)]
        if is_role(first) or is_embassy(first) or (is_name(first) and (has_honorific(first) or is_embassy(second))):
            return [(first, True), (", ".join([second, *others]), False)]
    texts = [text for text, _ in styled_texts]
    is_broken_list = len(texts) > 2 and _is_broken_role(*texts[:3])
    if is_broken_list or (len(texts) > 1 and is_role(texts[0]) and texts[0].split()[-1].lower() in _JOINING_WORDS):
        return [(f"{texts[0]} {texts[1]}", styled_texts[0][1]), *styled_texts[2:]]
    return styled_texts


def _is_broken_role(first: str, second: str, third: str) -> bool:
    """Return whether a role with a list of fields continues on the second line, above the name on the third."""
    return (
        "," in first
        and is_role(first)
        and is_name(third)
        and not (is_role(second) or is_name(second) or names_place(second) or "," in second)
        and not any(char.isdigit() for char in first + second)
    )


def _find_role_and_name(
    styled_texts: list[tuple[str, bool]], language: str
) -> tuple[str | None, str | None, list[str]]:
    """Return role, name and address lines. A line that is not clearly a role or name stays in the address."""
    if not styled_texts:
        return None, None, []
    texts = [text for text, _ in styled_texts]
    first = texts[0]
    second = texts[1] if len(texts) > 1 else ""
    if (titled := title_and_name(first)) and (is_embassy(titled[0]) or not is_embassy(first)):
        return titled[0], titled[1], texts[1:]
    if is_embassy(first) and not is_name(first):
        has_office_holder = is_name(second) and (has_honorific(second) or is_role(first))
        has_office_holder = has_office_holder or (title_and_name(second) is not None and is_embassy(second))
        has_street = len(texts) > 2 and any(char.isdigit() for char in texts[2]) and "," not in second
        has_office_holder = has_office_holder or (is_name(second) and has_street)
        return (first, second, texts[2:]) if has_office_holder else (first, None, texts[1:])
    if _names_person(first) or (_is_titled_name(first) and not (is_name(second) or is_role(second))):
        return None, first, texts[1:]
    if is_role(first) and not _is_titled_name(first):
        return _split_role(first, texts[1:])
    if second and is_role(second) and is_name(first):
        role, name, _ = _split_role(second, [])
        return (role, name, [first, *texts[2:]]) if name else (second, first, texts[2:])
    if styled_texts[0][1] and second and is_name(second):
        return first, second, texts[2:]
    if is_name(first) and (has_honorific(first) or (second and not is_name(second))):
        return None, first, texts[1:]
    if country_code(first, language) or any(char.isdigit() for char in first):
        return None, None, texts
    return first, *_split_off_name(texts[1:])


def _split_role(role: str, texts: list[str]) -> tuple[str, str | None, list[str]]:
    """Return role, name and the other lines. The name is on the line of the role or on the next line."""
    for separator in (",", ":", " – ", " - "):
        before, has_separator, after = role.partition(separator)
        if has_separator and is_role(before) and is_name(after) and not is_role(after):
            return before.strip(), after.strip(), texts
        if has_separator and is_name(before) and is_role(after) and not is_role(before):
            return after.strip(), before.strip(), texts
    name, remaining = _split_off_name(texts)
    return role, name, remaining


def _split_off_name(texts: list[str]) -> tuple[str | None, list[str]]:
    """Return the name, if the first of these lines is one, and the other lines."""
    if texts and is_name(texts[0]):
        return texts[0], texts[1:]
    if (
        len(texts) > 1
        and is_role(texts[0])
        and not names_place(texts[0])
        and is_name(texts[1])
        and has_honorific(texts[1])
    ):
        return texts[1], [texts[0], *texts[2:]]
    return None, texts


def title_and_name(text: str) -> tuple[str, str] | None:
    """Return a title and the name after it on one line, or None: `President Nicanor Example`."""
    line_words = words(text, 12)
    tokens = tuple(word.text for word in line_words)
    for title in vocabulary().phrases("titles"):
        size = len(title)
        if tokens[:size] != title or len(tokens) < size + 2:
            continue
        end = (
            line_words[size - 1].end if tokens[size] not in _JOINING_WORDS else _end_of_country(text, line_words[size:])
        )
        name = text[end:].strip() if end else ""
        if name[:1] in {",", ":", "("}:
            continue
        if is_name(name) and not is_role(name) and text[0].isupper():
            return text[:end].strip(), name
    return None if has_honorific(text) else _office_and_name(text, line_words)


def _office_and_name(text: str, line_words: list[NormalisedWord]) -> tuple[str, str] | None:
    """Return an office with its field and the name after it, or None: `Chief of Police Helen Example`."""
    office_words = vocabulary().single_words("fields") | vocabulary().single_words("places")
    for count in (2, 3):
        if len(line_words) < count + 2 or len(line_words) > 10:
            continue
        start = line_words[-count].start
        office, name = text[:start].strip(), text[start:].strip()
        last = line_words[-count - 1].text
        is_office = is_role(office) and (last in office_words or is_role(last)) and "," not in text
        if is_office and is_name(name) and all(part[:1].isupper() for part in name.split()) and not is_role(name):
            return office, name
    return None


def _end_of_country(text: str, line_words: list[NormalisedWord]) -> int | None:
    """Return the end of the country before a person's name, as in `of Kenya Juma Example`, or None."""
    while line_words and line_words[0].text in _JOINING_WORDS:
        line_words = line_words[1:]
    country = country_at_start(text[line_words[0].start :], "en") if line_words else None
    return line_words[country[1] - 1].end if country and country[1] <= len(line_words) - 2 else None


def _names_person(text: str) -> bool:
    """Return whether a line is an honorific, a title and a name, such as `His Majesty King Example`."""
    line_words = words(text, 5)
    tokens = tuple(word.text for word in line_words)
    for start in vocabulary().phrases("honorifics"):
        if tokens[: len(start)] == start and len(tokens) > len(start):
            return title_and_name(text[line_words[len(start)].start :]) is not None
    return False


def _is_titled_name(text: str) -> bool:
    """Return whether a line is a rank and a name: `General Nicanor Example`, but not `General Secretary`."""
    line_words = words(text, 6)
    tokens = tuple(word.text for word in line_words)
    for start in vocabulary().phrases("honorifics"):
        if tokens[: len(start)] == start and len(tokens) > len(start):
            name = text[line_words[len(start)].start :]
            return text[:1].isupper() and is_name(name) and not is_role(name)
    return False


def is_role(text: str) -> bool:
    """Return whether a line names an office that a person holds."""
    return any(word.text in vocabulary().single_words("roles") for word in words(text, 20))


def _is_office(parts: list[str]) -> bool:
    """Return whether a short line names an office. A surname such as King or Rey at its end does not count."""
    if len(parts) > 1 and normalise(parts[-1]) in _SURNAMES and all(part[:1].isupper() for part in parts):
        parts = parts[:-1]
    return is_role(" ".join(parts))


def is_embassy(text: str) -> bool:
    """Return whether a line begins with an embassy or an ambassador."""
    if _CARE_OF.search(normalise(text)):
        return False
    tokens = tuple(word.text for word in words(text, 10))
    return vocabulary().begins_with("embassy", tokens) or (len(tokens) <= 8 and not _embassy_words().isdisjoint(tokens))


@cache
def _embassy_words() -> frozenset[str]:
    """Return the single words for an embassy that are no office."""
    return frozenset(word for word in vocabulary().single_words("embassy") if not is_role(word))


def names_place(text: str) -> bool:
    """Return whether a line has a word for a place or an institution."""
    place_words = vocabulary().single_words("places")
    return any(
        word.text in place_words or word.text.endswith(("strasse", "straße", "platz", "allee", "ministerium"))
        for word in words(text, 20)
    )


def has_honorific(text: str) -> bool:
    """Return whether a text begins with a form of address before a name, such as `Mr` or `His Excellency`."""
    return vocabulary().begins_with("honorifics", tuple(word.text for word in words(text, 4)))


def is_name(text: str) -> bool:
    """Return whether a line can be a person's name: a few capitalised words, none for a place or an institution."""
    plain = plain_text(text)
    parts = [word for word in re.split(r"[\s]+", plain.split("(")[0].strip()) if word]
    if not 1 <= len(parts) <= 9 or any(char.isdigit() or char in ",@/:;" for char in plain):
        return False
    has_title = has_honorific(plain)
    if len(parts) == 1 or (names_place(plain) and not has_title) or normalised(plain) in city_names():
        return False
    fields = vocabulary().single_words("fields")
    if not has_title and (
        _is_office(parts) or countries_in(plain, "en") or any(normalised(p) in fields for p in parts)
    ):
        return False
    capitalised_parts = [part for part in parts if _is_capitalised(part.strip("'’‘\"“”").strip("."))]
    honorific_words = {word for phrase in vocabulary().phrases("honorifics") for word in phrase} if has_title else ()
    lowercase_parts = [
        part
        for part in parts
        if part not in capitalised_parts
        and normalise(part.strip(".'’‘-")) not in _PARTICLES
        and normalised(part) not in honorific_words
    ]
    return len(capitalised_parts) >= 1 and not [
        part
        for part in lowercase_parts
        if part[:1].isalpha() and "-" not in part and "'" not in part and "’" not in part
    ]


def _is_capitalised(part: str) -> bool:
    """Return whether a word begins with a capital, or with a letter of a script that has none, such as Arabic."""
    return part[:1].isupper() or (part[:1].isalpha() and not part[:1].islower())


def _target_kind(kind: str, role: str | None, name: str | None, address: list[str]) -> str:
    """Return `embassy` for an embassy in any block, else the given kind.

    An authority whose letter goes through an embassy keeps the given kind.
    """
    if kind == "embassy" or (role and is_embassy(role)) or (name and not role and is_embassy(name)):
        return "embassy"
    ambassador = role is not None and any(is_embassy(word.text) for word in words(role)[:1])
    if ambassador or (role is None and address and is_embassy(address[0])):
        return "embassy"
    return kind


def _target_country(kind: str, role: str | None, name: str | None, address: list[str], language: str) -> str | None:
    """Return the country at the end of the address, else the country that the office names, else None.

    The name of an embassy has the country that it represents, not the country of its address.
    """
    for line in reversed(address):
        code = None if _names_embassy(line.rpartition(",")[2]) else country_at_end(line, language)
        if code:
            return code
    if kind == "embassy" or any(_names_embassy(line) for line in address):
        return None
    for text in (role, name):
        if text and (countries := countries_in(text, language)):
            return countries[0]
    return None


def represented_country(target: DraftTarget, language: str) -> str | None:
    """Return the country of the embassy that a target is, or through which it receives letters; else None."""
    for text in (target.role, target.name, *target.address):
        if text and _names_embassy(text) and (countries := countries_in(text, language)):
            return countries[0]
    return None


def goes_through_embassy(target: DraftTarget) -> bool:
    """Return whether the letter goes to the address of an embassy, even if the recipient is not one."""
    return any(_names_embassy(line) for line in target.address)


def _names_embassy(text: str) -> bool:
    """Return whether a line has a phrase for an embassy."""
    tokens = tuple(word.text for word in words(text, 12))
    starts = vocabulary().phrases("embassy")
    return any(tokens[index : index + len(start)] == start for index in range(len(tokens)) for start in starts)
