"""The fields of a draft in words, with the lines of the document that each came from, for the comparison of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, lazy_gettext

from campaign.domain.country import country_name
from campaign.queries.appeals.editor import AppealForEditing
from campaign.queries.appeals.line_uses import Document, target_position
from campaign.services.appeals.line_moves.cut_words import DocumentLine, overlaps
from campaign.services.appeals.line_moves.moved_values import NEW_TARGET, NOTE, Place, places_of
from campaign.web.http.locale import current_locale

LinesByPlace = dict[Place, tuple[int, ...]]
_COLOURS = 6
# With more targets than these, the list of destinations would be very long.
_MOST_TARGETS = 12
# With more lines than these, the letter is not searched for the words of each.
_MOST_NARROWED = 300
_NAMES: dict[str, Any] = {
    "role": lazy_gettext("Role"),
    "name": lazy_gettext("Name"),
    "address": lazy_gettext("Address"),
    "salutation": lazy_gettext("Salutation"),
    "emails": lazy_gettext("E-mail"),
    "faxes": lazy_gettext("Fax"),
    "phones": lazy_gettext("Telephone"),
    "social": lazy_gettext("Social accounts"),
    "country": lazy_gettext("Country"),
}
TEXT_NAMES: dict[str, Any] = {
    "headline": lazy_gettext("Headline"),
    "people": lazy_gettext("The people the case is about"),
    "summary": lazy_gettext("Summary"),
    "salutation": lazy_gettext("The letter begins with"),
    "paragraphs": lazy_gettext("The letter"),
    "closing": lazy_gettext("The letter ends with"),
    "talking_points": lazy_gettext("Points to make"),
    "background": lazy_gettext("Background"),
}
# Other uses of a line, by the first part of their name; all further ones are facts.
_OTHER_NAMES: dict[str, Any] = {
    "letter": TEXT_NAMES["paragraphs"],
    NOTE: lazy_gettext("In no field"),
    "warning": lazy_gettext("Doubt"),
    "label": lazy_gettext("Heading"),
    "deadline": lazy_gettext("Last day"),
    "languages": lazy_gettext("Languages"),
    "own_language": lazy_gettext("Languages"),
    "country": lazy_gettext("Country"),
}
_UNMARKED = {NOTE, "warning", "label"}
_TARGET_OPTIONS = ("role", "name", "address", "salutation", "emails", "faxes", "phones")


@dataclass(frozen=True, slots=True)
class LineMark:
    """The field of a line in words, with its colour and the part of the page that shows it ("" for none)."""

    words: str
    colour: str
    anchor: str


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """A line of the document, with its marks and the keys of the doubts about it."""

    number: int
    text: str
    marks: tuple[LineMark, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparedField:
    """A field of the draft: its name, label, value and anchor, the lines it came from, whether lines move there."""

    field: str
    label: Any
    value: tuple[str, ...]
    anchor: str
    lines: tuple[int, ...]
    is_destination: bool


def anchor_of(place: Place) -> str:
    """Return the id of the place on the page."""
    return f"field-{place.name}" if place.position is None else f"field-{place.position}-{place.name}"


def colour_of(position: int) -> str:
    """Return the style class of a target's colour; after six targets the colours repeat."""
    return f"hue-{(position - 1) % _COLOURS + 1}"


def compared_lines(document: Document, first: int, size: int) -> list[ComparedLine]:
    """Return up to `size` lines with text, from line number `first` on."""
    by_line: dict[int, list[str]] = {}
    for doubt in document.doubts:
        for number in doubt.lines:
            by_line.setdefault(number, []).append(doubt.key)
    found: list[ComparedLine] = []
    for number, text in enumerate(document.lines, start=1):
        if number < first or not text.strip():
            continue
        if len(found) == size:
            break
        marks = dict.fromkeys(_mark(field) for field in _shown_uses(document, number, is_doubted=number in by_line))
        found.append(ComparedLine(number, text, tuple(marks), tuple(by_line.get(number, ()))))
    return found


def _shown_uses(document: Document, number: int, *, is_doubted: bool) -> Sequence[str]:
    """Return the fields of a line to show; `note` if it has none. A doubt has a link of its own."""
    uses = document.uses.get(number, ())
    shown = [field for field in uses if field != "blank" and not (is_doubted and field == "warning")]
    return shown or ([] if is_doubted else [NOTE])


def text_fields(document: Document, lines: LinesByPlace, values: dict[str, Any]) -> list[ComparedField]:
    """Return the fields of the text in the document's language."""
    fields = []
    for name, label in TEXT_NAMES.items():
        place, value = Place(None, name), shown_lines(values.get(name))
        numbers = _narrowed(document, lines.get(place, ()), value)
        fields.append(ComparedField(name, label, value, anchor_of(place), numbers, is_destination=True))
    return fields


def target_fields(language: str, lines: LinesByPlace, position: int, values: dict[str, Any]) -> list[ComparedField]:
    """Return the fields of the target in that language, without those that have neither a value nor a line."""
    words = values["words"].get(language, {})
    fields = []
    for name, label in _NAMES.items():
        place = Place(position, name)
        value = shown_lines(words.get(name) or values.get(name))
        if name == "country" and value:
            value = (country_name(value[0], current_locale()),)
        if value or lines.get(place):
            is_destination = name in _TARGET_OPTIONS
            fields.append(
                ComparedField(place.field, label, value, anchor_of(place), lines.get(place, ()), is_destination)
            )
    return fields


def destinations(edited_appeal: AppealForEditing) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the fields that a line can be moved to, in groups of a heading with names and labels.

    If there are very many targets, a line can be moved to each as a whole only.
    """
    groups = [("", [(NOTE, gettext("In no field"))])]
    has_field_options = len(edited_appeal.targets) <= _MOST_TARGETS
    for position in edited_appeal.targets:
        options = [(f"targets.{position}", gettext("as it fits"))]
        if has_field_options:
            options += [(f"targets.{position}.{name}", str(_NAMES[name])) for name in _TARGET_OPTIONS]
        groups.append((gettext("Target %(number)s", number=position), options))
    groups.append((gettext("Another target"), [(NEW_TARGET, gettext("A new target"))]))
    groups.append((gettext("Words"), [(name, str(label)) for name, label in TEXT_NAMES.items()]))
    return groups


def _mark(field: str) -> LineMark:
    """Return the mark of a use such as `targets.2.address`."""
    position = target_position(field)
    places = places_of(field)
    if position is not None:
        if len(places) == 1:
            words = gettext("Target %(number)s: %(name)s", number=position, name=_NAMES[places[0].name])
            return LineMark(words, colour_of(position), anchor_of(places[0]))
        return LineMark(gettext("Target %(number)s", number=position), colour_of(position), f"target-{position}")
    first = field.partition(".")[0]
    if places:
        place = places[0] if len(places) == 1 else Place(None, "paragraphs")
        return LineMark(str(_OTHER_NAMES.get(first) or TEXT_NAMES[first]), "hue-text", anchor_of(place))
    words = str(_OTHER_NAMES.get(first) or gettext("Facts"))
    return LineMark(words, "hue-none", "") if first in _UNMARKED else LineMark(words, "hue-facts", "facts")


def lines_by_place(document: Document) -> LinesByPlace:
    """Return the numbers of the document's lines by the place that they went to."""
    lines: dict[Place, list[int]] = {}
    for number, fields in sorted(document.uses.items()):
        for place in _unique(place for field in fields for place in places_of(field)):
            lines.setdefault(place, []).append(number)
    return {place: tuple(numbers) for place, numbers in lines.items()}


def _narrowed(document: Document, numbers: tuple[int, ...], value: tuple[str, ...]) -> tuple[int, ...]:
    """Return those of the letter's lines whose words are in this part of it; the lines of other fields unchanged."""

    def has_words(number: int) -> bool:
        text = DocumentLine.read(number, document.lines[number - 1]).text
        return any(overlaps(part, text) for part in value)

    if len(numbers) > _MOST_NARROWED:
        return numbers
    return tuple(number for number in numbers if "letter" not in document.uses[number] or has_words(number))


def _unique(places: Iterable[Place]) -> list[Place]:
    return list(dict.fromkeys(places))


def shown_lines(value: Any) -> tuple[str, ...]:
    """Return the value as lines to show."""
    if isinstance(value, dict):
        return tuple(f"{name}: {text}" for name, text in value.items())
    if isinstance(value, list):
        return tuple(_person(item) if isinstance(item, dict) else item for item in value)
    return tuple(line for line in (value or "").split("\n") if line.strip())


def _person(person: dict[str, Any]) -> str:
    return f"{person['name']} ({person['pronoun']})" if person.get("pronoun") else str(person["name"])
