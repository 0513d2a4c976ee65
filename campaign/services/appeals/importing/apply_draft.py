"""The values of a document that an import applies: facts, and the text in the document's language.

Each import is compared with the last import in the same language. Only values that differ between the two are applied,
so that what staff have edited since then is preserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal
from campaign.domain.appeals.editing import TEXT_FIELDS
from campaign.models import Appeal, AppealText, ImportedDocument
from campaign.services.appeals.edit_text import store_version

_FACTS = {
    "reference": "reference",
    "index": "document_index",
    "issued_on": "issued_on",
    "country": "country",
    "deadline": "deadline",
    "languages": "languages",
    "own_language": "own_language",
    "previous": "previous",
}
# Facts in which a translation may rightly differ from the original: the languages of letters, the previous document.
_MAY_DIFFER = {"languages", "own_language", "previous"}


@dataclass(frozen=True, slots=True)
class ImportChange:
    """A value that the import changed; `before` is None if there was none."""

    field: str
    before: Any
    after: Any


def differs_from_last(draft: DraftAppeal, last_import: ImportedDocument | None, field: str) -> bool:
    """Return whether the document has another value in the field than the last one in its language."""
    return last_import is None or last_import.draft.get(field) != draft.to_json()[field]


def apply_facts(
    appeal: Appeal, draft: DraftAppeal, last_import: ImportedDocument | None, chosen: dict[str, Any], *, is_new: bool
) -> list[ImportChange]:
    """Set the facts that the document has changed since its last import; return the changes.

    `chosen` are values that the person who imports has given, by column; they precede the document's.
    """
    changes = []
    new_values: dict[str, Any] = {}
    for name, column in _FACTS.items():
        value = getattr(draft, name)
        value = list(value) if isinstance(value, tuple) else value
        if not differs_from_last(draft, last_import, name) or value in (None, []):
            continue
        # The first document in a further language only fills empty facts; later ones in that language correct them.
        if last_import is not None or is_new or getattr(appeal, column) in (None, [], False):
            new_values[column] = value
    for column, value in (new_values | chosen).items():
        before = getattr(appeal, column)
        if before != value:
            setattr(appeal, column, value)
            changes.append(ImportChange(column, before, value))
    return changes


def unapplied_facts(appeal: Appeal, draft: DraftAppeal, chosen: dict[str, Any]) -> tuple[ImportChange, ...]:
    """Return the facts in which the first document in a further language differs from the appeal. Change nothing."""
    excluded = _MAY_DIFFER | chosen.keys()
    current = {name: getattr(appeal, column) for name, column in _FACTS.items() if name not in excluded}
    imported = {name: getattr(draft, name) for name in current}
    return tuple(
        ImportChange(_FACTS[name], value, imported[name])
        for name, value in current.items()
        if value is not None and imported[name] not in (None, value)
    )


def apply_text(
    session: Session, appeal: Appeal, draft: DraftAppeal, last_import: ImportedDocument | None, now: datetime
) -> tuple[int, list[ImportChange]]:
    """Store a new version of the text if the document changed it; return the current version number and the changes."""
    of_language = (AppealText.appeal_id == appeal.id, AppealText.language == draft.language)
    current = session.scalars(select(AppealText).where(*of_language, AppealText.is_current)).one_or_none()
    new_values = _text_values(draft)
    if current is None:
        version = store_version(session, appeal, draft.language, new_values, None, now)
        return version, [
            ImportChange(f"{name} ({draft.language})", None, value) for name, value in new_values.items() if value
        ]
    last_values = {} if last_import is None else last_import.draft
    changed = {name: value for name, value in new_values.items() if _last_value(last_values, name) != value}
    values = {name: getattr(current, name) for name in TEXT_FIELDS}
    changes = [
        ImportChange(f"{name} ({draft.language})", values[name], value)
        for name, value in changed.items()
        if values[name] != value
    ]
    if not changes:
        return current.version, []
    return store_version(session, appeal, draft.language, values | changed, current, now), changes


def _text_values(draft: DraftAppeal) -> dict[str, Any]:
    """Return the draft's text as values of the columns of AppealText."""
    letter = draft.letter
    return {
        "headline": draft.headline or "",
        "people": [{"name": person.name, "pronoun": person.pronoun} for person in draft.people],
        "summary": draft.summary or "",
        "background": draft.background or "",
        "salutation": letter.salutation if letter else None,
        "paragraphs": list(letter.paragraphs) if letter else [],
        "closing": letter.closing if letter else None,
        "talking_points": list(draft.talking_points),
    }


def _last_value(draft: dict[str, Any], name: str) -> Any:
    """Return the field's value in the last imported document, in the form in which AppealText stores it."""
    if name in {"salutation", "closing"}:
        return (draft.get("letter") or {}).get(name)
    if name == "paragraphs":
        return (draft.get("letter") or {}).get(name, [])
    return draft.get(name) or ([] if name in {"people", "talking_points"} else "")
