"""The field of each line, found by its words, for a draft whose reader does not say where the lines went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.document.draft import DraftAppeal, DraftTarget, LineUse
from campaign.document.text.emphasis import plain_text
from campaign.document.text.normalise import words

# Longer documents get no marks: each line is compared with all fields.
_MOST_LINES = 3_000
_WORD_FIELDS = ("headline", "summary", "background")


def match_lines(draft: DraftAppeal, lines: Sequence[str]) -> tuple[LineUse, ...]:
    """Return the fields that have the words of each line, or whose whole value is within the line.

    A line whose words are in several targets is that of the target before it.
    """
    if len(lines) > _MOST_LINES:
        return ()
    fields = [(name, _joined(value)) for name, value in _values(draft)]
    uses: list[LineUse] = []
    target = ""
    for number, line in enumerate(lines, start=1):
        text = _joined(plain_text(line))
        if not text.strip():
            continue
        found = _matching(text, fields)
        in_targets = [name for name in found if name.startswith("targets.")]
        if in_targets:
            if not target or not any(name.startswith(target) for name in in_targets):
                target = _target_of(in_targets[0])
            found = [name for name in in_targets if name.startswith(target)]
        uses += [LineUse(number, name) for name in dict.fromkeys(found)]
    return tuple(uses)


def _matching(text: str, fields: Sequence[tuple[str, str]]) -> list[str]:
    """Return the fields that are equal to the line, else those that have its words, else those within the line.

    A person's name is in many lines, so that it counts only if the line is in no other field.
    """
    equal = [name for name, value in fields if value == text]
    outer = [name for name, value in fields if text in value]
    inner = [name for name, value in fields if value in text]
    return equal or outer or [name for name in inner if name != "people"] or inner


def _values(draft: DraftAppeal) -> Iterator[tuple[str, str]]:
    """Yield the texts of the draft with the names of their fields, targets first."""
    for index, target in enumerate(draft.targets):
        for name, value in _target_values(target):
            yield f"targets.{index}.{name}", value
    for name in _WORD_FIELDS:
        if value := getattr(draft, name):
            yield name, value
    if draft.letter:
        yield (
            "letter",
            " ".join(filter(None, (draft.letter.salutation, *draft.letter.paragraphs, draft.letter.closing))),
        )
    for point in draft.talking_points:
        yield "talking_points", point
    for person in draft.people:
        yield "people", person.name


def _target_values(target: DraftTarget) -> Iterator[tuple[str, str]]:
    for name in ("role", "name", "salutation"):
        if value := getattr(target, name):
            yield name, value
    for name in ("address", "emails", "faxes", "phones"):
        for value in getattr(target, name):
            yield name, value
    for value in target.social.values():
        yield "social", value


def _target_of(field: str) -> str:
    """Return the beginning of a field's name that all fields of its target have."""
    return ".".join(field.split(".")[:2]) + "."


def _joined(text: str) -> str:
    """Return the normalised words of the text with a space around each, or "" without words."""
    found = " ".join(word.text for word in words(text))
    return f" {found} " if found else ""
