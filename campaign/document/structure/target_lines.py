"""One target: which of its lines is the role, which the name, which the address, by the words they hold."""

from __future__ import annotations

import re

from campaign.document.draft import DraftTarget
from campaign.document.fields import contacts
from campaign.document.fields.contacts import Contacts
from campaign.document.fields.languages import cities, countries_in, country, country_at_end, country_at_start
from campaign.document.labels import vocabulary
from campaign.document.text.emphasis import is_bold, plain
from campaign.document.text.lines import Ledger, Line, shown
from campaign.document.text.normalise import NormalisedWord, fold, key, words

_CARE_OF = re.compile(r"(?<!\w)(?:c/o|c / o|care of|aux bons soins|a/c|z\.hd)(?!\w)")
_ITEM = re.compile(r"^\s*(?:\d{1,2}[.)]|[-•*▪\uf0b7])\s+")
_PARTICLES = frozenset(
    (
        "al el bin bint ibn de del della di da dos das do la le les los las van von der den ten ter y e i und "
        "et abu ben ould af ul ur bel ait"
    ).split()
)
# Offices that are surnames too, in any of the languages.
_SURNAMES = frozenset("king rey könig konig roi reyes judge mayor maire major sultan emir chef rei conde".split())
_JOINS = frozenset(("and of et de du des y del und der des e di da do the for para pour für").split())


def read_target(lines: list[Line], kind: str, language: str, ledger: Ledger) -> DraftTarget | None:
    """The target that these lines describe, or None where they hold nothing; every line is taken."""
    held = Contacts()
    rest: list[tuple[str, bool]] = []
    written: dict[str, str] = {}
    for line in lines:
        left = contacts.read(line, held, ledger)
        ledger.take(line, "targets")
        if left and line.is_joined:
            ledger.warn("line-joined", f"taken as one line that was wrapped: {shown(left)}", line.number)
        if left:
            text = _ITEM.sub("", left) if not rest else left
            bare = text.strip(" ,;")
            written[bare] = text.strip()
            rest.append((bare, is_bold(line.text)))
    if held.pending:
        ledger.warn("contact-note", f"nothing stands after the word for {held.pending}", lines[-1].number)
    role, name, address = _parts(_unfolded(rest), language)
    kind = _kind(kind, role, name, address)
    country_code = _country(kind, role, name, address, language)
    if not (role or name or address or held.emails or held.faxes or held.phones or held.social):
        return None
    if not role and not name:
        ledger.warn("target-unnamed", "a target without role and name", lines[0].number)
    return DraftTarget(
        kind=kind,
        role=role,
        name=name,
        address=tuple(written.get(text, text) for text in address),
        country=country_code,
        salutation=held.salutation,
        emails=tuple(held.emails),
        faxes=tuple(held.faxes),
        phones=tuple(held.phones),
        social=dict(held.social),
    )


def _unfolded(rest: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """A target written on one line becomes its parts; a role broken over two lines becomes one."""
    if len(rest) == 1 and rest[0][0].count(",") >= 2:
        parts = [part.strip() for part in rest[0][0].split(",")]
        if is_role(parts[0]) and is_name(parts[1]):
            return [(parts[0], True), (parts[1], False), (", ".join(parts[2:]), False)]
        if is_name(parts[0]) and is_role(parts[1]):
            return [(parts[0], True), (parts[1], False), (", ".join(parts[2:]), False)]
        if is_name(parts[0]) and (_is_honoured(parts[0]) or is_embassy(parts[1])):
            return [(parts[0], True), (", ".join(parts[1:]), False)]
        if is_role(parts[0]) or is_embassy(parts[0]):
            return [(parts[0], True), (", ".join(parts[1:]), False)]
    if len(rest) > 2 and _goes_on(*(text for text, _ in rest[:3])):
        return [(f"{rest[0][0]} {rest[1][0]}", rest[0][1]), *rest[2:]]
    if len(rest) > 1 and is_role(rest[0][0]) and rest[0][0].split()[-1].lower() in _JOINS:
        return [(f"{rest[0][0]} {rest[1][0]}", rest[0][1]), *rest[2:]]
    return rest


def _goes_on(first: str, second: str, third: str) -> bool:
    """Whether a role that lists its fields goes on below, before the name: `… International` / `Cooperation`."""
    return (
        "," in first
        and is_role(first)
        and is_name(third)
        and not (is_role(second) or is_name(second) or _place_words(second) or "," in second)
        and not any(char.isdigit() for char in first + second)
    )


def _parts(rest: list[tuple[str, bool]], language: str) -> tuple[str | None, str | None, list[str]]:
    """Role, name and address lines; what cannot be told apart stays in the address."""
    if not rest:
        return None, None, []
    texts = [text for text, _ in rest]
    first = texts[0]
    second = texts[1] if len(texts) > 1 else ""
    if (titled := _titled(first)) and (is_embassy(titled[0]) or not is_embassy(first)):
        return titled[0], titled[1], texts[1:]
    if is_embassy(first) and not is_name(first):
        is_held = is_name(second) and (_is_honoured(second) or is_role(first))
        return (first, second, texts[2:]) if is_held else (first, None, texts[1:])
    if _names_person(first) or (_is_titled_name(first) and not (is_name(second) or is_role(second))):
        return None, first, texts[1:]
    if is_role(first) and not _is_titled_name(first):
        return _after_role(first, texts[1:])
    if second and is_role(second) and is_name(first):
        held, name, _ = _after_role(second, [])
        return (held, name, [first, *texts[2:]]) if name else (second, first, texts[2:])
    if rest[0][1] and second and is_name(second):
        return first, second, texts[2:]
    if is_name(first) and (_is_honoured(first) or (second and not is_name(second))):
        return None, first, texts[1:]
    if country(first, language) or any(char.isdigit() for char in first):
        return None, None, texts
    return first, *_name_of(texts[1:])


def _after_role(role: str, texts: list[str]) -> tuple[str, str | None, list[str]]:
    for mark in (",", ":", " – ", " - "):
        before, found, after = role.partition(mark)
        if found and is_role(before) and is_name(after) and not is_role(after):
            return before.strip(), after.strip(), texts
        if found and is_name(before) and is_role(after) and not is_role(before):
            return after.strip(), before.strip(), texts
    name, rest = _name_of(texts)
    return role, name, rest


def _name_of(texts: list[str]) -> tuple[str | None, list[str]]:
    """The name, where the first of these lines is one."""
    if texts and is_name(texts[0]):
        return texts[0], texts[1:]
    if (
        len(texts) > 1
        and is_role(texts[0])
        and not _place_words(texts[0])
        and is_name(texts[1])
        and _is_honoured(texts[1])
    ):
        return texts[1], [texts[0], *texts[2:]]
    return None, texts


def _titled(text: str) -> tuple[str, str] | None:
    """A title and the name after it on one line: `President Nicanor Example`."""
    stream = words(text, 12)
    names = tuple(word.text for word in stream)
    for title in vocabulary().starts("titles"):
        size = len(title)
        if names[:size] != title or len(names) < size + 2:
            continue
        end = stream[size - 1].end if names[size] not in _JOINS else _end_of_country(text, stream[size:])
        name = text[end:].strip() if end else ""
        if name[:1] in {",", ":", "("}:
            continue
        if is_name(name) and not is_role(name) and text[0].isupper():
            return text[:end].strip(), name
    return None


def _end_of_country(text: str, stream: list[NormalisedWord]) -> int | None:
    """Where the country ends that these words name, with its preposition: `of Kenya`, before the name of a person."""
    while stream and stream[0].text in _JOINS:
        stream = stream[1:]
    named = country_at_start(text[stream[0].start :], "en") if stream else None
    return stream[named[1] - 1].end if named and named[1] <= len(stream) - 2 else None


def _names_person(text: str) -> bool:
    """Whether a line is an honorific, a title and a name: `His Majesty King Example`."""
    stream = words(text, 5)
    names = tuple(word.text for word in stream)
    for start in vocabulary().starts("honorifics"):
        if names[: len(start)] == start and len(names) > len(start):
            return _titled(text[stream[len(start)].start :]) is not None
    return False


def _is_titled_name(text: str) -> bool:
    """Whether a line is a rank and a name: `General Nicanor Example`, but not `General Secretary`."""
    stream = words(text, 6)
    names = tuple(word.text for word in stream)
    for start in vocabulary().starts("honorifics"):
        if names[: len(start)] == start and len(names) > len(start):
            rest = text[stream[len(start)].start :]
            return text[:1].isupper() and is_name(rest) and not is_role(rest)
    return False


def is_role(text: str) -> bool:
    """Whether a line names an office that somebody holds."""
    return any(word.text in vocabulary().words("roles") for word in words(text, 20))


def _is_office(parts: list[str]) -> bool:
    """Whether a short line names an office; a surname such as King or Rey at its end does not make it one."""
    if len(parts) > 1 and fold(parts[-1]) in _SURNAMES and all(part[:1].isupper() for part in parts):
        parts = parts[:-1]
    return is_role(" ".join(parts))


def is_embassy(text: str) -> bool:
    """Whether a line begins with an embassy or an ambassador."""
    if _CARE_OF.search(fold(text)):
        return False
    names = tuple(word.text for word in words(text, 10))
    starts = vocabulary().starts("embassy")
    return any(names[: len(start)] == start for start in starts) or (
        len(names) <= 8 and any(_holds(names, start) for start in starts if len(start) == 1 and not is_role(start[0]))
    )


def _holds(names: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return start[0] in names


def _place_words(text: str) -> bool:
    known = vocabulary().words("places")
    return any(
        word.text in known or word.text.endswith(("strasse", "straße", "platz", "allee", "ministerium"))
        for word in words(text, 20)
    )


def _is_honoured(text: str) -> bool:
    names = tuple(word.text for word in words(text, 4))
    return any(names[: len(start)] == start for start in vocabulary().starts("honorifics"))


def is_name(text: str) -> bool:
    """Whether a line can be a person's name: a few capitalised words, none of a place or an institution."""
    bare = plain(text)
    parts = [word for word in re.split(r"[\s]+", bare.split("(")[0].strip()) if word]
    if not 1 <= len(parts) <= 9 or any(char.isdigit() or char in ",@/:;" for char in bare):
        return False
    honoured = _is_honoured(bare)
    if len(parts) == 1 or (_place_words(bare) and not honoured) or key(bare) in cities():
        return False
    if not honoured and (_is_office(parts) or countries_in(bare, "en")):
        return False
    capitals = [part for part in parts if part.strip("'’‘\"“”").strip(".")[:1].isupper()]
    small = [part for part in parts if part not in capitals and fold(part.strip(".'’‘-")) not in _PARTICLES]
    return len(capitals) >= 1 and not [
        part for part in small if part[:1].isalpha() and "-" not in part and "'" not in part and "’" not in part
    ]


def _kind(kind: str, role: str | None, name: str | None, address: list[str]) -> str:
    """An embassy is one wherever it stands, unless an authority is written to through it."""
    if kind == "embassy" or (role and is_embassy(role)) or (name and not role and is_embassy(name)):
        return "embassy"
    ambassador = role is not None and any(is_embassy(word.text) for word in words(role)[:1])
    if ambassador or (role is None and address and is_embassy(address[0])):
        return "embassy"
    return kind


def _country(kind: str, role: str | None, name: str | None, address: list[str], language: str) -> str | None:
    """The country at the end of the address, else the one that the office itself names.

    An embassy stands in another country than the one it speaks for, so its name says nothing of its address.
    """
    for line in reversed(address):
        code = None if _names_embassy(line.rpartition(",")[2]) else country_at_end(line, language)
        if code:
            return code
    if kind == "embassy" or any(_names_embassy(line) for line in address):
        return None
    for text in (role, name):
        if text and (found := countries_in(text, language)):
            return found[0]
    return None


def spoken_for(target: DraftTarget, language: str) -> str | None:
    """The country whose embassy a target is, or is written to through."""
    for text in (target.role, target.name, *target.address):
        if text and _names_embassy(text) and (found := countries_in(text, language)):
            return found[0]
    return None


def goes_through_embassy(target: DraftTarget) -> bool:
    """Whether the address is that of an embassy, whoever the letter is for."""
    return any(_names_embassy(line) for line in target.address)


def _names_embassy(text: str) -> bool:
    names = tuple(word.text for word in words(text, 12))
    starts = vocabulary().starts("embassy")
    return any(names[at : at + len(start)] == start for at in range(len(names)) for start in starts)
