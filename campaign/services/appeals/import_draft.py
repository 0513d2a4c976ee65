"""Import of a parsed document: it creates an appeal, adds a language to it, or corrects it.

Each import is compared with the last import in the same language. Only values that differ between the two are applied,
so that what staff have edited since then is preserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from typing import Any

from babel import Locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.editing import TEXT_FIELDS
from campaign.domain.appeals.slug import SLUG_LENGTH, checked_slug, slugify
from campaign.domain.errors import AppealExistsError, InputError, StateError
from campaign.domain.staff.roles import Permission
from campaign.models import Appeal, AppealText, ImportedDocument
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.appeals.access import audit_change, record_author, require_access
from campaign.services.appeals.confirmations import take_doubts_back
from campaign.services.appeals.edit_text import store_version
from campaign.services.appeals.merge_targets import merge_targets
from campaign.services.appeals.related_appeals import link
from campaign.services.appeals.review_notices import notify_of_correction
from campaign.services.appeals.store_import import store_import

DEFAULT_GOAL = 1000
_FACTS = {
    "reference": "reference",
    "sequence": "sequence",
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


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import, printed as JSON under these names.

    `changes` is empty if the appeal had all values already.
    """

    slug: str
    state: str
    is_new: bool
    is_new_language: bool
    language: str
    text_version: int
    changes: tuple[ImportChange, ...]
    # Facts in which a document in a further language differs from the appeal: `before` is the appeal's value, which
    # stays, and `after` the document's, which is not applied.
    kept: tuple[ImportChange, ...] = ()
    # The slug of the appeal that this one follows.
    follows: str | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Choices of the person who imports, which take precedence over the document."""

    slug: str | None = None
    goal: int | None = None
    deadline: date | None = None
    # Whether to create a new appeal in any case. If the slug is in use, a number is appended to it.
    is_new: bool = False


def import_draft(
    draft: DraftAppeal,
    options: ImportOptions,
    *,
    context: Context,
    lines: tuple[str, ...] = (),
) -> ImportReport:
    """Create or complete an appeal and return the changes; the editor shows `lines`, the document's, beside its form.

    Raises InputError (slug, goal), StateError (the appeal has ended), AppealExistsError (`is_new` was set and the
    appeal exists), NotFoundError (the appeal is another section's).
    """
    context.actor.require(Permission.EDIT)
    if options.goal is not None and options.goal < 1:
        raise InputError("goal", "too-small", "the goal must be 1 or more")
    with transaction() as session:
        if options.is_new:
            slug, appeal = _unused_slug(session, draft), None
        else:
            slug, appeal = _find_appeal(session, draft, options.slug)
        is_new = appeal is None
        if appeal is None:
            appeal = _add_appeal(session, slug, draft, options, context)
        else:
            require_access(context, appeal)
            if appeal.state in {AppealState.CLOSED, AppealState.STOPPED}:
                raise StateError(f"{slug} is {appeal.state}: no more documents can be imported")
        last_import = session.get(ImportedDocument, (appeal.id, draft.language))
        unapplied = () if last_import is not None or is_new else _unapplied(appeal, draft, options)
        changes = _apply_facts(appeal, draft, last_import, options, is_new=is_new)
        version, text_changes = _apply_text(session, appeal, draft, last_import, context.now)
        changes += text_changes
        positions = list(last_import.target_positions) if last_import else []
        if _differs_from_last(draft, last_import, "targets"):
            merged = merge_targets(session, appeal, draft)
            positions = merged.positions
            take_doubts_back(session, appeal, merged.changed)
            changes += [ImportChange("targets", *change) for change in merged.changes]
        store_import(session, appeal, draft, last_import, lines, positions, now=context.now)
        session.flush()
        if (followed := link(session, appeal)) is not None:
            changes.append(ImportChange("follows", None, followed.slug))
        if changes:
            _record_changes(session, appeal, changes, is_new=is_new, context=context)
        return ImportReport(
            slug=slug,
            state=appeal.state,
            is_new=is_new,
            is_new_language=last_import is None,
            language=draft.language,
            text_version=version,
            changes=tuple(changes),
            kept=unapplied,
            follows=session.scalar(select(Appeal.slug).where(Appeal.id == appeal.follows_id)),
        )


def _add_appeal(session: Session, slug: str, draft: DraftAppeal, options: ImportOptions, context: Context) -> Appeal:
    """Return a new appeal of the actor's section, without the draft's content; it has an id."""
    appeal = Appeal(slug=slug, goal=options.goal or DEFAULT_GOAL, created_at=context.now, sequence=draft.sequence)
    appeal.section_code = context.actor.section
    session.add(appeal)
    session.flush()
    return appeal


def _record_changes(
    session: Session, appeal: Appeal, changes: list[ImportChange], *, is_new: bool, context: Context
) -> None:
    """Record the author, add the changes to the audit log, and notify publishers of a correction."""
    record_author(context, appeal)
    before = None if is_new else {change.field: change.before for change in changes}
    after = {change.field: change.after for change in changes}
    audit_change(session, "appeal.import", appeal, context=context, before=before, after=after)
    notify_of_correction(session, appeal, context=context)


def _unused_slug(session: Session, draft: DraftAppeal) -> str:
    """Return an unused slug, made from the same values as in `_find_appeal`.

    Raises AppealExistsError if an appeal has the document's reference and sequence.
    """
    country = Locale("en").territories.get(draft.country or "", "")
    preferred = slugify(*(person.name for person in draft.people[:2]), country)
    if draft.reference:
        same_case = select(Appeal.slug).where(Appeal.reference == draft.reference, Appeal.sequence == draft.sequence)
        existing = session.scalars(same_case.order_by(Appeal.id).limit(1)).one_or_none()
        if existing is not None:
            raise AppealExistsError(existing)
        preferred = slugify(draft.reference, *([str(draft.sequence)] if draft.sequence > 1 else []))
    preferred = preferred or slugify(draft.headline or "") or "appeal"
    used = set(session.scalars(select(Appeal.slug)))
    stem = preferred[: SLUG_LENGTH - 8].strip("-")
    slugs = (preferred if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(slug for slug in slugs if slug not in used)


def _find_appeal(session: Session, draft: DraftAppeal, slug: str | None) -> tuple[str, Appeal | None]:
    """Return the document's slug and its appeal, locked; None if there is no such appeal yet.

    A given slug identifies the appeal, else its reference and sequence, else a slug made from people and country.
    Raises InputError if the document has nothing to make a slug from, or the slug is that of another case.
    """
    is_given = slug is not None
    if slug is None and draft.reference:
        same_case = select(Appeal).where(Appeal.reference == draft.reference, Appeal.sequence == draft.sequence)
        appeal = session.scalars(same_case.order_by(Appeal.id).limit(1).with_for_update(**NO_KEY_UPDATE)).one_or_none()
        if appeal is not None:
            return appeal.slug, appeal
        slug = slugify(draft.reference, *([str(draft.sequence)] if draft.sequence > 1 else []))
    if slug is None:
        country = Locale("en").territories.get(draft.country or "", "")
        slug = slugify(*(person.name for person in draft.people[:2]), country)
        if not slug:
            raise InputError("slug", "missing", "the document names no person and no country: give a slug with --slug")
    rows = session.scalars(select(Appeal).where(Appeal.slug == checked_slug(slug)).with_for_update(**NO_KEY_UPDATE))
    appeal = rows.one_or_none()
    if (
        appeal
        and draft.reference
        and not is_given
        and (appeal.reference, appeal.sequence) != (draft.reference, draft.sequence)
    ):
        raise InputError("slug", "taken", f"{slug} is the name of another case: give one with --slug")
    return slug, appeal


def _differs_from_last(draft: DraftAppeal, last_import: ImportedDocument | None, field: str) -> bool:
    return last_import is None or last_import.draft.get(field) != draft.to_json()[field]


def _apply_facts(
    appeal: Appeal, draft: DraftAppeal, last_import: ImportedDocument | None, options: ImportOptions, *, is_new: bool
) -> list[ImportChange]:
    """Set the facts that the document has changed since its last import, and the options; return the changes."""
    changes = []
    new_values: dict[str, Any] = {}
    for name, column in _FACTS.items():
        value = getattr(draft, name)
        value = list(value) if isinstance(value, tuple) else value
        if not _differs_from_last(draft, last_import, name) or value in (None, []):
            continue
        # The first document in a further language only fills empty facts; later ones in that language correct them.
        if last_import is not None or is_new or getattr(appeal, column) in (None, [], False):
            new_values[column] = value
    if options.deadline is not None:
        new_values["deadline"] = options.deadline
    if options.goal is not None:
        new_values["goal"] = options.goal
    for column, value in new_values.items():
        before = getattr(appeal, column)
        if before != value:
            setattr(appeal, column, value)
            changes.append(ImportChange(column, before, value))
    return changes


def _unapplied(appeal: Appeal, draft: DraftAppeal, options: ImportOptions) -> tuple[ImportChange, ...]:
    """Return the facts in which the first document in a further language differs from the appeal. Change nothing."""
    current = {name: getattr(appeal, column) for name, column in _FACTS.items() if name not in _MAY_DIFFER}
    if options.deadline is not None:
        del current["deadline"]
    imported = {name: getattr(draft, name) for name in current}
    return tuple(
        ImportChange(_FACTS[name], value, imported[name])
        for name, value in current.items()
        if value is not None and imported[name] not in (None, value)
    )


def _apply_text(
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
