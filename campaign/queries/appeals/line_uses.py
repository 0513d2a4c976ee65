"""The lines of an imported document with the field of each, and the doubts with their confirmations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from campaign.domain.appeals.doubt import doubt_key
from campaign.models import ImportedDocument

_TARGET = re.compile(r"targets\.(\d+)(?:\.|$)")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The member of staff (None: a command on the server) who confirmed something, and when."""

    staff_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """A warning of the document's parser; lines count from 1, and `fields` are those of its lines."""

    code: str
    message: str
    line: int
    key: str
    lines: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    confirmation: Confirmation | None = None

    @property
    def positions(self) -> tuple[int, ...]:
        """Return the positions of the targets that its lines went to."""
        positions = (target_position(field) for field in self.fields)
        return tuple(dict.fromkeys(position for position in positions if position is not None))


@dataclass(frozen=True, slots=True)
class Note:
    """Words of the document in no field; `position` is the target beside which they stand."""

    text: str
    line: int
    position: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """The last document imported in a language; `uses` has the fields of each line, targets by position."""

    language: str
    lines: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    uses: dict[int, tuple[str, ...]]
    notes: tuple[Note, ...]


def target_position(field: str | None) -> int | None:
    """Return the number in a field such as `targets.2.address`; None if it is no target's."""
    match = _TARGET.match(field or "")
    return None if match is None else int(match[1])


def read_document_row(row: ImportedDocument) -> Document:
    """Return the stored document. A document of an earlier version has no uses of lines and no notes."""
    uses: dict[int, tuple[str, ...]] = {}
    for use in row.line_uses:
        uses[use["line"]] = (*uses.get(use["line"], ()), use["field"])
    notes = tuple(
        Note(note["text"], note["line"], _position(row, note.get("beside"))) for note in row.draft.get("notes", ())
    )
    return Document(row.language, tuple(row.lines), _doubts(row, uses), uses, notes)


def _doubts(row: ImportedDocument, uses: dict[int, tuple[str, ...]]) -> tuple[Doubt, ...]:
    doubts = []
    for warning in row.warnings:
        line = warning["line"]
        text = row.lines[line - 1] if 0 < line <= len(row.lines) else ""
        key = doubt_key(warning["code"], warning["message"], line, text)
        lines = tuple(sorted({line, *warning.get("lines", ())}))
        fields = tuple(dict.fromkeys(field for number in lines for field in uses.get(number, ())))
        doubts.append(Doubt(warning["code"], warning["message"], line, key, lines, fields, _confirmation(row, key)))
    return tuple(doubts)


def _confirmation(row: ImportedDocument, key: str) -> Confirmation | None:
    confirmed = row.confirmed_doubts.get(key)
    return None if confirmed is None else Confirmation(confirmed["by"], datetime.fromisoformat(confirmed["at"]))


def _position(row: ImportedDocument, beside: str | None) -> int | None:
    """Return the position of the document's target that a note stands beside."""
    index = target_position(beside)
    return row.target_positions[index] if index is not None and index < len(row.target_positions) else None
