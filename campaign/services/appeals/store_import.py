"""Storing a document as the last import in its language, with its lines, the field of each, and its warnings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal
from campaign.document.line_uses import match_lines
from campaign.models import Appeal, ImportedDocument


def store_import(
    session: Session,
    appeal: Appeal,
    draft: DraftAppeal,
    last_import: ImportedDocument | None,
    lines: tuple[str, ...],
    positions: list[int],
    *,
    now: datetime,
) -> None:
    """Store the document as the last import in its language, with its lines, their fields, and warnings.

    `positions` are those of the draft's targets. The same document again changes neither the fields of its lines, which
    staff may have moved, nor the confirmed doubts; another document has other doubts.
    """
    content = draft.to_json()
    warnings = content.pop("warnings")
    for warning, stored in zip(draft.warnings, warnings, strict=True):
        stored["lines"] = list(warning.lines)
    if last_import is None:
        last_import = ImportedDocument(appeal_id=appeal.id, language=draft.language, draft=content, imported_at=now)
        session.add(last_import)
    elif last_import.draft != content:
        last_import.draft = content
        last_import.imported_at = now
    if last_import.lines != list(lines) or not last_import.line_uses:
        last_import.confirmed_doubts = {}
        last_import.line_uses = [
            {"line": use.line, "field": _stored_field(use.field, positions)}
            for use in draft.line_uses or match_lines(draft, lines)
        ]
    last_import.warnings, last_import.lines, last_import.target_positions = warnings, list(lines), positions


def _stored_field(field: str, positions: list[int]) -> str:
    """Return the field with the target's position instead of its number in the document."""
    name, _, rest = field.partition(".")
    number, _, rest = rest.partition(".")
    if name != "targets" or not number.isdigit() or int(number) >= len(positions):
        return field
    return ".".join(part for part in (name, str(positions[int(number)]), rest) if part)
