"""The issues of a document's case: the appeals that the decision compares the document with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from babel import Locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal
from campaign.domain.appeals.slug import checked_slug, slugify
from campaign.domain.errors import InputError
from campaign.models import Appeal, AppealText, ImportedDocument
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.services.appeals.related_appeals import find_previous

# Values that do not tell whether two documents are the same: what a newer reader says of the same lines.
_UNCOMPARED = {"warnings", "notes", "series"}


@dataclass(frozen=True, slots=True)
class CaseIssue:
    """An appeal of the case, compared with the document."""

    appeal_id: int
    slug: str
    reference: str | None
    sequence: int
    index: str | None
    issued_on: date | None
    # Whether it has a text in the document's language.
    has_language: bool
    # Whether the same document was imported into it.
    has_document: bool


@dataclass(frozen=True, slots=True)
class Case:
    """The issues of a case by sequence, and the appeal that the given or guessed slug names."""

    # The slug that was given, or the one that the document's values make.
    slug: str
    # The appeal of the given slug or, for a document without a reference, of the slug made from its values.
    named: CaseIssue | None
    issues: tuple[CaseIssue, ...]
    # Other appeals without a reference whose slug was made from the same values; they may be of other cases.
    namesakes: tuple[CaseIssue, ...] = ()

    @property
    def same_document(self) -> CaseIssue | None:
        """Return the issue or namesake into which the same document was imported, the named one first."""
        named = () if self.named is None else (self.named,)
        return next((issue for issue in (*named, *self.issues, *self.namesakes) if issue.has_document), None)

    @property
    def newest(self) -> CaseIssue:
        """Return the issue with the highest sequence; the case has issues."""
        return max(self.issues, key=_age)

    def before(self, sequence: int) -> CaseIssue | None:
        """Return the newest issue with a lower sequence, the named one first; None without one."""
        earlier = [issue for issue in self.issues if issue.sequence < sequence]
        newest = max(earlier, key=_age, default=None)
        if newest is not None and self.named is not None and self.named.sequence == newest.sequence:
            return self.named
        return newest

    def of_number(self, sequence: int) -> CaseIssue | None:
        """Return the issue with this sequence, the named one first; None without one."""
        if self.named is not None and self.named.sequence == sequence:
            return self.named
        return next((issue for issue in self.issues if issue.sequence == sequence), None)


def _age(issue: CaseIssue) -> tuple[int, int]:
    """Return the key by which the newest issue is the greatest: of one sequence, the appeal that was made first."""
    return issue.sequence, -issue.appeal_id


def find_case(
    session: Session,
    draft: DraftAppeal,
    slug: str | None,
    lines: tuple[str, ...],
    *,
    fallback_slug: str | None = None,
) -> Case:
    """Return the case of the document, its appeals locked.

    A given slug names an appeal of the case, else the reference does, else the slug made from people and country, else
    (of an update) the index in the link to the previous document. `fallback_slug` is for a document without any.
    Raises InputError if the slug has no valid form, or there is none.
    """
    named: Appeal | None = None
    found_slug = checked_slug(slug if slug is not None else own_slug(draft, fallback_slug))
    if slug is not None or not draft.reference:
        by_slug = select(Appeal).where(Appeal.slug == found_slug).with_for_update(**NO_KEY_UPDATE)
        named = session.scalars(by_slug).one_or_none()
    if slug is None and named is None and not draft.reference and (draft.is_update or draft.sequence > 1):
        named = find_previous(session, draft.previous)
    reference = draft.reference if named is None else named.reference
    appeals = {} if named is None else {named.id: named}
    if reference:
        same_case = select(Appeal).where(Appeal.reference == reference).with_for_update(**NO_KEY_UPDATE)
        appeals |= {appeal.id: appeal for appeal in session.scalars(same_case)}
    appeals |= _followers(session, appeals)
    issues = [_compared(session, appeal, draft, lines) for appeal in appeals.values()]
    issues.sort(key=lambda issue: (issue.sequence, issue.appeal_id))
    named_issue = next((issue for issue in issues if named is not None and issue.appeal_id == named.id), None)
    namesakes = [] if slug is not None or draft.reference else _namesakes(session, found_slug, appeals)
    return Case(
        found_slug,
        named_issue,
        tuple(issues),
        tuple(_compared(session, appeal, draft, lines) for appeal in namesakes),
    )


def own_slug(draft: DraftAppeal, fallback: str | None = None) -> str:
    """Return the slug made from the document's reference and sequence, else from its people and country.

    Raises InputError if it has none of them and there is no `fallback`.
    """
    if draft.reference:
        return slugify(draft.reference, *([str(draft.sequence)] if draft.sequence > 1 else []))
    country = Locale("en").territories.get(draft.country or "", "")
    slug = slugify(*(person.name for person in draft.people[:2]), country) or fallback
    if not slug:
        raise InputError("slug", "missing", "the document names no person and no country: give a slug with --slug")
    return slug


def _followers(session: Session, appeals: dict[int, Appeal]) -> dict[int, Appeal]:
    """Return the appeals that follow these, directly or not, and have no reference or the same one."""
    references = {appeal.reference for appeal in appeals.values()} | {None}
    found: dict[int, Appeal] = {}
    ids = set(appeals)
    while ids:
        following = select(Appeal).where(Appeal.follows_id.in_(ids)).with_for_update(**NO_KEY_UPDATE)
        new = {
            appeal.id: appeal
            for appeal in session.scalars(following)
            if appeal.id not in appeals and appeal.id not in found and appeal.reference in references
        }
        found |= new
        ids = set(new)
    return found


def _namesakes(session: Session, slug: str, appeals: dict[int, Appeal]) -> list[Appeal]:
    """Return the other appeals without a reference whose slug is this one with a number."""
    numbered = select(Appeal).where(
        Appeal.reference.is_(None), Appeal.slug.startswith(f"{slug}-", autoescape=True), Appeal.id.not_in(appeals)
    )
    return [
        appeal
        for appeal in session.scalars(numbered.order_by(Appeal.id))
        if appeal.slug.removeprefix(f"{slug}-").isdigit()
    ]


def _compared(session: Session, appeal: Appeal, draft: DraftAppeal, lines: tuple[str, ...]) -> CaseIssue:
    """Return the appeal as an issue of the case, compared with the document."""
    last_import = session.get(ImportedDocument, (appeal.id, draft.language))
    texts = select(AppealText.version).where(
        AppealText.appeal_id == appeal.id, AppealText.language == draft.language, AppealText.is_current
    )
    return CaseIssue(
        appeal_id=appeal.id,
        slug=appeal.slug,
        reference=appeal.reference,
        sequence=appeal.sequence,
        index=appeal.document_index,
        issued_on=_issue_date(last_import) or appeal.issued_on,
        has_language=last_import is not None or session.scalar(texts) is not None,
        has_document=last_import is not None and _is_same(last_import, draft, lines),
    )


def _issue_date(last_import: ImportedDocument | None) -> date | None:
    """Return the issue date of the last document in the language."""
    text: Any = None if last_import is None else last_import.draft.get("issued_on")
    return date.fromisoformat(text) if text else None


def _is_same(last_import: ImportedDocument, draft: DraftAppeal, lines: tuple[str, ...]) -> bool:
    """Return whether the document has the same lines, or the same values, as the last one in its language."""
    if lines and last_import.lines == list(lines):
        return True
    content = draft.to_json()
    return all(content.get(key) == value for key, value in last_import.draft.items() if key not in _UNCOMPARED)
