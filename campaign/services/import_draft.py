"""A parsed document becomes an appeal, completes it with another language, or corrects it.

Each import is compared with the last one of its language: only what the document says anew is applied, so that what
staff have set by hand since then stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel import Locale
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal
from campaign.domain.appeal import AppealState
from campaign.domain.errors import InputError, StateError
from campaign.domain.slug import checked_slug, slugify
from campaign.models import Appeal, AppealText, ImportedDocument
from campaign.services.follow_ups import link
from campaign.services.targets import merge_targets
from campaign.services.transaction import transaction

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
_TEXT = ("headline", "people", "summary", "background", "salutation", "paragraphs", "closing", "talking_points")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that the import changed; `before` is None where there was nothing."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did; no changes means that everything was there already."""

    slug: str
    state: str
    is_new: bool
    is_new_language: bool
    language: str
    text_version: int
    changes: tuple[Change, ...]
    follows: str | None = None  # the slug of the appeal that this one follows


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who imports decides instead of the document."""

    slug: str | None = None
    goal: int | None = None
    deadline: date | None = None


def import_draft(draft: DraftAppeal, options: ImportOptions, *, now: datetime) -> ImportReport:
    """Makes or completes an appeal. Raises InputError (slug, goal), StateError (the appeal has ended)."""
    if options.goal is not None and options.goal < 1:
        raise InputError("goal", "too-small", "the goal must be 1 or more")
    with transaction() as session:
        slug, appeal = _named(session, draft, options.slug)
        is_new = appeal is None
        if appeal is None:
            appeal = Appeal(slug=slug, goal=options.goal or DEFAULT_GOAL, created_at=now, sequence=draft.sequence)
            session.add(appeal)
            session.flush()
        elif appeal.state in {AppealState.CLOSED, AppealState.STOPPED}:
            raise StateError(f"{slug} is {appeal.state}: it takes no more documents")
        known = session.get(ImportedDocument, (appeal.id, draft.language))
        changes = _facts(appeal, draft, known, options, is_new=is_new)
        text, text_changes = _text(session, appeal, draft, known, now)
        changes += text_changes
        if _says_anew(draft, known, "targets"):
            changes += [Change("targets", before, after) for before, after in merge_targets(session, appeal, draft)]
        _remember(session, appeal, draft, known, now)
        session.flush()
        if (followed := link(session, appeal)) is not None:
            changes.append(Change("follows", None, followed.slug))
        if changes and not is_new:
            appeal.revision += 1
        return ImportReport(
            slug=slug,
            state=appeal.state,
            is_new=is_new,
            is_new_language=known is None,
            language=draft.language,
            text_version=text.version,
            changes=tuple(changes),
            follows=session.scalar(select(Appeal.slug).where(Appeal.id == appeal.follows_id)),
        )


def _named(session: Session, draft: DraftAppeal, slug: str | None) -> tuple[str, Appeal | None]:
    """The slug, where given, names the appeal; else reference and sequence do; else people and country.

    Raises InputError where the slug that these make is another case's.
    """
    is_given = slug is not None
    if slug is None and draft.reference:
        same = select(Appeal).where(Appeal.reference == draft.reference, Appeal.sequence == draft.sequence)
        appeal = session.scalars(same.order_by(Appeal.id).limit(1).with_for_update()).one_or_none()
        if appeal is not None:
            return appeal.slug, appeal
        slug = slugify(draft.reference, *([str(draft.sequence)] if draft.sequence > 1 else []))
    if slug is None:
        country = Locale("en").territories.get(draft.country or "", "")
        slug = slugify(*(person.name for person in draft.people[:2]), country)
        if not slug:
            raise InputError("slug", "missing", "the document names nobody and no country: give a slug with --slug")
    found = session.scalars(select(Appeal).where(Appeal.slug == checked_slug(slug)).with_for_update())
    appeal = found.one_or_none()
    if (
        appeal
        and not is_given
        and draft.reference
        and (appeal.reference, appeal.sequence)
        != (
            draft.reference,
            draft.sequence,
        )
    ):
        raise InputError("slug", "taken", f"{slug} is the name of another case: give one with --slug")
    return slug, appeal


def _says_anew(draft: DraftAppeal, known: ImportedDocument | None, field: str) -> bool:
    return known is None or known.draft.get(field) != draft.to_json()[field]


def _facts(
    appeal: Appeal, draft: DraftAppeal, known: ImportedDocument | None, options: ImportOptions, *, is_new: bool
) -> list[Change]:
    changes = []
    wanted: dict[str, Any] = {}
    for name, column in _FACTS.items():
        value = getattr(draft, name)
        value = list(value) if isinstance(value, tuple) else value
        if not _says_anew(draft, known, name) or value in (None, []):
            continue
        # Another language completes what is missing; only the same language's next document corrects.
        if known is not None or is_new or getattr(appeal, column) in (None, [], False):
            wanted[column] = value
    if options.deadline is not None:
        wanted["deadline"] = options.deadline
    if options.goal is not None:
        wanted["goal"] = options.goal
    for column, value in wanted.items():
        before = getattr(appeal, column)
        if before != value:
            setattr(appeal, column, value)
            changes.append(Change(column, before, value))
    return changes


def _text(
    session: Session, appeal: Appeal, draft: DraftAppeal, known: ImportedDocument | None, now: datetime
) -> tuple[AppealText, list[Change]]:
    """The current text in the draft's language: a new version where the document says something anew."""
    of_language = (AppealText.appeal_id == appeal.id, AppealText.language == draft.language)
    current = session.scalars(select(AppealText).where(*of_language, AppealText.is_current)).one_or_none()
    said = _words(draft)
    if current is None:
        text = AppealText(appeal_id=appeal.id, language=draft.language, version=1, created_at=now, **said)
        session.add(text)
        return text, [Change(f"{name} ({draft.language})", None, value) for name, value in said.items() if value]
    before = {} if known is None else known.draft
    changed = {name: value for name, value in said.items() if _said_before(before, name) != value}
    values = {name: getattr(current, name) for name in _TEXT}
    changes = [
        Change(f"{name} ({draft.language})", values[name], value)
        for name, value in changed.items()
        if values[name] != value
    ]
    if not changes:
        return current, []
    session.execute(update(AppealText).where(*of_language, AppealText.is_current).values(is_current=False))
    text = AppealText(
        appeal_id=appeal.id, language=draft.language, version=current.version + 1, created_at=now, **(values | changed)
    )
    session.add(text)
    return text, changes


def _words(draft: DraftAppeal) -> dict[str, Any]:
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


def _said_before(draft: dict[str, Any], name: str) -> Any:
    """The same word of the document that was imported last, in the form that the text keeps it in."""
    if name in {"salutation", "closing"}:
        return (draft.get("letter") or {}).get(name)
    if name == "paragraphs":
        return (draft.get("letter") or {}).get(name, [])
    return draft.get(name) or ([] if name in {"people", "talking_points"} else "")


def _remember(
    session: Session, appeal: Appeal, draft: DraftAppeal, known: ImportedDocument | None, now: datetime
) -> None:
    said = {name: value for name, value in draft.to_json().items() if name != "warnings"}
    if known is None:
        session.add(ImportedDocument(appeal_id=appeal.id, language=draft.language, draft=said, imported_at=now))
    elif known.draft != said:
        known.draft = said
        known.imported_at = now
