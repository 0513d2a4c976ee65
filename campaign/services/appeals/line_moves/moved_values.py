"""The values of a draft while lines of its document move from one field to another.

A place is a field's name within a target, given by its position, or within the text (position None).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from campaign.document.fields.contacts import Contacts, read_contacts
from campaign.document.text.lines import Line, LineTracker
from campaign.domain.appeals.appeal import TargetKind
from campaign.domain.errors import InputError
from campaign.services.appeals.line_moves.cut_words import DocumentLine, contains, cut, cut_from_list, insert_in_order

NOTE = "note"
NEW_TARGET = "targets.0"
_WORDS = ("role", "name", "address", "salutation")
_CONTACTS = ("emails", "faxes", "phones")
_CONTACT_WORDS = {"emails": "Email", "faxes": "Fax", "phones": "Phone"}
_LETTER = ("salutation", "paragraphs", "closing")
_TEXT = ("headline", "people", "summary", "background", "talking_points", *_LETTER)
# Values in Markdown, whose paragraphs are separated by an empty line.
_MARKDOWN = ("summary", "background")
_TARGET_FIELDS = (*_WORDS, *_CONTACTS, "social")
# The fields that a line can be moved to besides `note` and those of a target.
TEXT_DESTINATIONS = (
    "headline",
    "people",
    "summary",
    "salutation",
    "paragraphs",
    "closing",
    "talking_points",
    "background",
)
TARGET_DESTINATIONS = ("", *_WORDS, *_CONTACTS)


@dataclass(frozen=True, slots=True)
class Place:
    """A field of the text, or of the target at that position."""

    position: int | None
    name: str

    @property
    def field(self) -> str:
        """Return the field as the uses of lines name it."""
        return self.name if self.position is None else f"targets.{self.position}.{self.name}".rstrip(".")


def places_of(field: str) -> tuple[Place, ...]:
    """Return the places where the words of a line with this use may be; none for notes, labels and facts."""
    first, _, rest = field.partition(".")
    number, _, name = rest.partition(".")
    if first == "targets" and number.isdigit():
        names = [name.partition(".")[0]] if name.partition(".")[0] in _TARGET_FIELDS else list(_TARGET_FIELDS)
        return tuple(Place(int(number), each) for each in names)
    if first == "letter":
        return tuple(Place(None, each) for each in ([number] if number in _LETTER else _LETTER))
    return (Place(None, first),) if first in _TEXT else ()


class MovedValues:
    """The values of the text in one language and of the targets, which `take` and `put` change."""

    def __init__(self, language: str, text: dict[str, Any], targets: dict[int, dict[str, Any]]) -> None:
        """Copy the values, so that the stored ones stay as they are."""
        self.language = language
        self.text = copy.deepcopy(text)
        self.targets = copy.deepcopy(targets)

    def take(self, line: DocumentLine, place: Place, others: Sequence[DocumentLine]) -> list[str]:
        """Remove the line's words from the place; return them. `others` are further lines of the same field."""
        if place.position is not None and place.position not in self.targets:
            return []
        value = self._value(place)
        if place.name == "people":
            self._set(place, [person for person in value if not contains(line.text, person["name"])])
            return [person["name"] for person in value if contains(line.text, person["name"])]
        if place.name == "social":
            self._set(place, {key: handle for key, handle in value.items() if handle not in line.text})
            return [handle for handle in value.values() if handle in line.text]
        if isinstance(value, list):
            left, pieces = cut_from_list(value, line, others)
            self._set(place, left)
            return pieces
        if place.name in _MARKDOWN:
            left, pieces = cut_from_list(_paragraphs(value), line, others)
            self._set(place, "\n\n".join(left))
            return pieces
        rest, piece = cut(value or "", line)
        if piece:
            self._set(place, rest or ("" if place.name == "headline" else None))
        return [piece] if piece else []

    def put(self, texts: Sequence[str], number: int, place: Place, sources: Sequence[DocumentLine]) -> None:
        """Add the texts of line `number` to the place, in the order of the document's lines, which `sources` has."""
        value = self._value(place)
        if place.name == "people":
            self._set(place, [*value, *({"name": text, "pronoun": None} for text in texts)])
        elif isinstance(value, list):
            self._set(place, insert_in_order(value, texts, number, sources))
        else:
            is_markdown = place.name in _MARKDOWN
            items = _paragraphs(value) if is_markdown else [value] if value else []
            joined = ("\n\n" if is_markdown else " ").join(insert_in_order(items, texts, number, sources))
            self._set(place, joined)

    def put_contacts(self, line: DocumentLine, position: int) -> list[Place]:
        """Add all contacts of the line to the target; return their places, none if the line has no contact."""
        contacts = Contacts()
        read_contacts(Line(line.number, line.text), contacts, LineTracker())
        places = [Place(position, name) for name in _CONTACTS if getattr(contacts, name)]
        for place in places:
            self.put(getattr(contacts, place.name), line.number, place, ())
        if contacts.social:
            self._set(Place(position, "social"), {**contacts.social, **self.targets[position]["social"]})
            places.append(Place(position, "social"))
        return places

    def add_target(self, like: int | None, country: str | None) -> int:
        """Add an empty target, of the kind and country of the target `like`; return its position."""
        position = 1 + max(self.targets, default=0)
        source = self.targets.get(like or 0, {"kind": TargetKind.PRIMARY.value, "country": country})
        self.targets[position] = {
            "kind": source["kind"], "country": source["country"], **{name: [] for name in _CONTACTS}, "social": {},
            "words": {},
        }  # fmt: skip
        return position

    def remove_empty_targets(self) -> None:
        """Remove the words of a target that has none left in this language, and the targets without anything."""
        for position, target in list(self.targets.items()):
            words = target["words"]
            if not any(words.get(self.language, {}).values()):
                words.pop(self.language, None)
            if not words and not any(target[name] for name in (*_CONTACTS, "social")):
                del self.targets[position]

    def is_free(self, place: Place) -> bool:
        """Return whether the place has no value."""
        return not self._value(place)

    def _value(self, place: Place) -> Any:
        if place.position is None:
            return self.text[place.name]
        target = self.targets[place.position]
        if place.name in _WORDS:
            return target["words"].get(self.language, {}).get(place.name) or ([] if place.name == "address" else None)
        return target[place.name]

    def _set(self, place: Place, value: Any) -> None:
        if place.position is None:
            self.text[place.name] = value
        elif place.name in _WORDS:
            empty: dict[str, Any] = {"role": None, "name": None, "address": [], "salutation": None}
            words = self.targets[place.position]["words"]
            words[self.language] = {**empty, **words.get(self.language, {}), place.name: value or empty[place.name]}
        else:
            self.targets[place.position][place.name] = value


def _paragraphs(text: str | None) -> list[str]:
    return [paragraph for paragraph in (text or "").split("\n\n") if paragraph.strip()]


def contact_values(line: DocumentLine, name: str) -> list[str]:
    """Return the line's e-mail addresses or numbers for the field `name`, whether the line names their kind or not.

    Raises InputError (`to`: the line has none).
    """
    for text in (line.text, f"{_CONTACT_WORDS[name]}: {line.text}"):
        contacts = Contacts()
        read_contacts(Line(line.number, text), contacts, LineTracker())
        numbers = [*contacts.faxes, *contacts.phones]
        if found := contacts.emails if name == "emails" else list(dict.fromkeys(numbers)):
            return found
    raise InputError("to", "no-contact", f"line {line.number} has no value for {name}")
