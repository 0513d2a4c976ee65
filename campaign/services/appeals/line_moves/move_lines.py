"""Moving lines of a draft's document to another field: the words leave the fields where they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.appeals.doubt import fingerprint
from campaign.domain.errors import ConflictError, InputError, NotFoundError
from campaign.models import Appeal, AppealText, ImportedDocument, Target
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.editor import target_values, text_values
from campaign.queries.appeals.line_uses import read_document_row, target_position
from campaign.services.appeals.access import audit_change, record_author
from campaign.services.appeals.confirm_target import find_draft
from campaign.services.appeals.confirmations import take_doubts_back
from campaign.services.appeals.edit_text import store_version
from campaign.services.appeals.line_moves.cut_words import DocumentLine
from campaign.services.appeals.line_moves.moved_values import (
    NEW_TARGET,
    NOTE,
    TARGET_DESTINATIONS,
    TEXT_DESTINATIONS,
    MovedValues,
    Place,
    contact_values,
    places_of,
)

# Places in whose values consecutive lines are one paragraph.
_PROSE = {"summary", "background", "paragraphs"}


def move_lines(
    slug: str, language: str, numbers: Sequence[int], to: str, expected: dict[str, str], *, context: Context
) -> int | None:
    """Move lines of the document in that language to another field; return the position of a new target, else None.

    `to` is `note` (no field), a field of the text, `targets.2` (the fields of that target which correspond to those of
    the lines), `targets.2.address`, or `targets.0` (a new target). `expected` are the fingerprints of the values that
    the person saw, from `part_fingerprints`. Raises NotFoundError, StateError (not a draft), ConflictError (one of the
    values that change is another now), InputError (`lines`, `to`).
    """
    with transaction() as session:
        appeal = find_draft(session, slug, context)
        row = session.get(ImportedDocument, (appeal.id, language))
        current = session.scalars(
            select(AppealText).where(
                AppealText.appeal_id == appeal.id, AppealText.language == language, AppealText.is_current
            )
        ).one_or_none()
        if row is None or current is None:
            raise NotFoundError("no such document")
        move = _Move(row, appeal, current, numbers, to)
        move.refuse_overwriting(expected)
        move.run()
        _store(session, appeal, current, row, move, context)
        return move.position if to == NEW_TARGET else None


def part_fingerprints(text: dict[str, Any], targets: dict[int, dict[str, Any]]) -> dict[str, str]:
    """Return the fingerprints of the text's values and of each target's, by part: `text`, `targets.2`."""
    return {"text": fingerprint(text)} | {
        f"targets.{position}": fingerprint(values) for position, values in targets.items()
    }


class _Move:
    """One move: the values before and after it, and the new uses of the lines."""

    def __init__(
        self, row: ImportedDocument, appeal: Appeal, text: AppealText, numbers: Sequence[int], to: str
    ) -> None:
        """Read the document and the destination. Raises InputError."""
        self.document = read_document_row(row)
        self.lines = self._read_lines(numbers)
        self.text, self.targets = text_values(text), {each.position: target_values(each) for each in appeal.targets}
        self.values = MovedValues(row.language, self.text, self.targets)
        self.country = appeal.country
        self.position = target_position(to)
        self.to = self._read_destination(to)
        self.uses: dict[int, list[str]] = {line.number: [] for line in self.lines}
        self._sources_of: dict[Place, list[DocumentLine]] = {}

    def _read_lines(self, numbers: Sequence[int]) -> list[DocumentLine]:
        stored = self.document.lines
        lines = [
            DocumentLine.read(number, stored[number - 1])
            for number in sorted(set(numbers))
            if 0 < number <= len(stored) and stored[number - 1].strip()
        ]
        if not lines:
            raise InputError("lines", "missing", "no line was chosen")
        return lines

    def _read_destination(self, to: str) -> Place | None:
        """Return the place, with an empty name for a whole target; None for `note`."""
        if to == NOTE:
            return None
        if to in TEXT_DESTINATIONS:
            return Place(None, to)
        name = to.partition(".")[2].partition(".")[2]
        if self.position is None or name not in TARGET_DESTINATIONS or self.position not in {0, *self.targets}:
            raise InputError("to", "missing" if not to else "unknown", f"no field is called {to}")
        return Place(self.position, name)

    def refuse_overwriting(self, expected: dict[str, str]) -> None:
        """Raise ConflictError if a part of the draft that the move changes is not as the person saw it."""
        parts = {place.position for line in self.lines for place in self._places(line)}
        if self.to is not None and self.to.position != 0:
            parts.add(self.to.position)
        stored = part_fingerprints(self.text, self.targets)
        names = {"text" if position is None else f"targets.{position}" for position in parts} & stored.keys()
        if any(stored[name] != expected.get(name) for name in names):
            raise ConflictError({name: stored[name] for name in names})

    def run(self) -> None:
        """Take the words of all lines out of their places, then put them into the destination."""
        taken = {line.number: self._take(line) for line in self.lines}
        if self.to is None:
            self.uses = {line.number: [NOTE] for line in self.lines}
        elif self.to.name:
            self._put_into_field(self.to)
        else:
            source = next((place.position for pieces in taken.values() for place, _ in pieces if place.position), None)
            position = self.to.position or self.values.add_target(source, self.country)
            self.position = position
            for line in self.lines:
                self._put_into_target(line, taken[line.number], position)
        self.values.remove_empty_targets()

    def _places(self, line: DocumentLine) -> list[Place]:
        """Return the places of the line's words, other than the destination."""
        fields = self.document.uses.get(line.number, ())
        return [place for field in fields for place in places_of(field) if place != self.to]

    def _sources(self, place: Place) -> list[DocumentLine]:
        """Return the lines of the document that are in the place and do not move."""
        if place not in self._sources_of:
            self._sources_of[place] = self._read_sources(place)
        return self._sources_of[place]

    def _read_sources(self, place: Place) -> list[DocumentLine]:
        return [
            DocumentLine.read(number, self.document.lines[number - 1])
            for number, fields in self.document.uses.items()
            if number not in self.uses and number <= len(self.document.lines)
            and any(place in places_of(field) for field in fields)
        ]  # fmt: skip

    def _take(self, line: DocumentLine) -> list[tuple[Place, str]]:
        return [
            (place, piece)
            for place in self._places(line)
            for piece in self.values.take(line, place, self._sources(place))
        ]

    def _put_into_field(self, place: Place) -> None:
        for group in self._groups(place):
            texts = [" ".join(line.text for line in group)]
            if place.name in {"emails", "faxes", "phones"}:
                texts = contact_values(group[0], place.name)
            self.values.put(texts, group[0].number, place, self._sources(place))
        for line in self.lines:
            self.uses[line.number].append(place.field)

    def _groups(self, place: Place) -> list[list[DocumentLine]]:
        """Return the lines one by one, or consecutive ones together if the place holds paragraphs."""
        groups: list[list[DocumentLine]] = []
        for line in self.lines:
            if place.name in _PROSE and groups and groups[-1][-1].number == line.number - 1:
                groups[-1].append(line)
            else:
                groups.append([line])
        return groups

    def _put_into_target(self, line: DocumentLine, taken: list[tuple[Place, str]], position: int) -> None:
        """Put the line's words into the same fields of the target as before, or into those that they fit."""
        pieces = [(place.name, piece) for place, piece in taken if place.position is not None]
        if not pieces:
            places = self.values.put_contacts(line, position)
            self.uses[line.number] += [place.field for place in places]
            pieces = [] if places else [("address", line.text)]
        for name, piece in pieces:
            place = self._free_place(position, name)
            if place.name == "social":
                self.uses[line.number] += [each.field for each in self.values.put_contacts(line, position)]
            else:
                self.values.put([piece], line.number, place, self._sources(place))
                self.uses[line.number].append(place.field)

    def _free_place(self, position: int, name: str) -> Place:
        """Return the target's field of that name; its address if it has such a value already, its role if it is new."""
        is_unnamed = all(self.values.is_free(Place(position, each)) for each in ("role", "name"))
        if name == "address" and is_unnamed:
            return Place(position, "role")
        place = Place(position, name)
        is_single = name in {"role", "name", "salutation"}
        return Place(position, "address") if is_single and not self.values.is_free(place) else place


def _store(
    session: Session, appeal: Appeal, current: AppealText, row: ImportedDocument, move: _Move, context: Context
) -> None:
    """Store the values that changed and the new uses of the lines, with an entry in the audit log."""
    before, after = (
        _flat(move.text, move.targets, row.language),
        _flat(move.values.text, move.values.targets, row.language),
    )
    if before != after:
        record_author(context, appeal)
    if move.values.text != move.text:
        store_version(session, appeal, row.language, move.values.text, current, context.now)
    changed = {
        position
        for position in move.targets.keys() | move.values.targets.keys()
        if move.targets.get(position) != move.values.targets.get(position)
    }
    for position in sorted(changed):
        _store_target(appeal, position, move.values.targets.get(position))
    other_uses = [use for use in row.line_uses if use["line"] not in move.uses]
    row.line_uses = other_uses + [
        {"line": number, "field": field} for number, fields in move.uses.items() for field in dict.fromkeys(fields)
    ]
    take_doubts_back(session, appeal, changed)
    moved = [f"{line.number}: {line.text}" for line in move.lines]
    audit_change(session, "appeal.move-lines", appeal, context=context, before=before, after={**after, "lines": moved})


def _store_target(appeal: Appeal, position: int, values: dict[str, Any] | None) -> None:
    """Store the values of the target at that position; None removes it."""
    target = next((each for each in appeal.targets if each.position == position), None)
    if values is None:
        if target is not None:
            appeal.targets.remove(target)
        return
    if target is None:
        target = Target(position=position)
        appeal.targets.append(target)
    for name, value in values.items():
        setattr(target, name, value)


def _flat(text: dict[str, Any], targets: dict[int, dict[str, Any]], language: str) -> dict[str, Any]:
    """Return all values by names as in the other entries of the audit log."""
    return {f"{name} ({language})": value for name, value in text.items()} | {
        f"target {position} {name}": value for position, values in targets.items() for name, value in values.items()
    }
