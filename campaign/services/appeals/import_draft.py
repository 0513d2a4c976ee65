"""Import of a parsed document: it creates an appeal, adds a language to it, or corrects it.

What a document becomes is decided in `importing/decision.py`. An import stops and changes nothing where it cannot be
told (ImportQuestionError), and before it changes words of an open appeal (UnconfirmedChangesError).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.document.draft import DraftAppeal
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.doubt import fingerprint
from campaign.domain.appeals.slug import SLUG_LENGTH, slugify
from campaign.domain.errors import (
    AppealExistsError,
    ImportQuestionError,
    InputError,
    StateError,
    UnconfirmedChangesError,
)
from campaign.domain.staff.roles import Permission
from campaign.models import Appeal, ImportedDocument
from campaign.platform.context import Context
from campaign.platform.database.locks import IMPORT_LOCK, lock_until_commit
from campaign.platform.database.transaction import transaction
from campaign.services.appeals.access import audit_change, record_author, require_access
from campaign.services.appeals.confirmations import take_doubts_back
from campaign.services.appeals.importing.apply_draft import (
    ImportChange,
    apply_facts,
    apply_text,
    differs_from_last,
    unapplied_facts,
)
from campaign.services.appeals.importing.case_issues import Case, find_case
from campaign.services.appeals.importing.decision import Decision, DecisionKind, IssueChoice, decide
from campaign.services.appeals.merge_targets import merge_targets
from campaign.services.appeals.related_appeals import link
from campaign.services.appeals.review_notices import notify_of_correction
from campaign.services.appeals.store_import import store_import

DEFAULT_GOAL = 1000


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
    # Whether only a new appeal may be created. If the slug of another case is in use, a number is appended.
    is_new: bool = False
    # Whether the person said that the document is the next issue, corrects an appeal, or is of a case without appeals.
    as_update: bool = False
    as_correction: bool = False
    as_other_case: bool = False
    # Whether words of an open appeal may be changed; `seen` are the changes that the person has seen, as fingerprint.
    is_confirmed: bool = False
    seen: str | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Return the facts that were given, by column."""
        given = {"deadline": self.deadline, "goal": self.goal}
        return {column: value for column, value in given.items() if value is not None}


def import_draft(
    draft: DraftAppeal,
    options: ImportOptions,
    *,
    context: Context,
    lines: tuple[str, ...] = (),
) -> ImportReport:
    """Create or complete an appeal and return the changes; the editor shows `lines`, the document's, beside its form.

    Raises InputError (slug, goal), StateError (the appeal has ended), AppealExistsError (`is_new` was set and the
    appeal exists), NotFoundError (the appeal is another section's), ImportQuestionError (update or correction cannot be
    told), UnconfirmedChangesError (words of an open appeal would change). Any of them changes nothing.
    """
    context.actor.require(Permission.EDIT)
    if options.goal is not None and options.goal < 1:
        raise InputError("goal", "too-small", "the goal must be 1 or more")
    with transaction() as session:
        lock_until_commit(session, IMPORT_LOCK)
        case = find_case(session, draft, options.slug, lines, fallback_slug=_fallback_slug(draft, options))
        decision = _decide(session, draft, case, options, context)
        if decision.issue is None:
            appeal = _add_appeal(session, draft, case, decision, options, context)
        else:
            appeal = session.get_one(Appeal, decision.issue.appeal_id)
            if appeal.state in {AppealState.CLOSED, AppealState.STOPPED}:
                raise StateError(f"{appeal.slug} is {appeal.state}: no more documents can be imported")
        return _apply(session, appeal, draft, decision, options, lines, context)


def _apply(
    session: Session,
    appeal: Appeal,
    draft: DraftAppeal,
    decision: Decision,
    options: ImportOptions,
    lines: tuple[str, ...],
    context: Context,
) -> ImportReport:
    """Apply the document to the appeal and return the report. Raises UnconfirmedChangesError."""
    is_new = decision.issue is None
    last_import = session.get(ImportedDocument, (appeal.id, draft.language))
    unapplied = () if last_import is not None or is_new else unapplied_facts(appeal, draft, options.facts)
    changes = apply_facts(appeal, draft, last_import, options.facts, is_new=is_new)
    version, text_changes = apply_text(session, appeal, draft, last_import, context.now)
    changes += text_changes
    positions = list(last_import.target_positions) if last_import else []
    if differs_from_last(draft, last_import, "targets"):
        merged = merge_targets(session, appeal, draft)
        positions = merged.positions
        take_doubts_back(session, appeal, merged.changed)
        changes += [ImportChange("targets", *change) for change in merged.changes]
    if appeal.state == AppealState.OPEN and decision.issue is not None and decision.issue.has_language:
        _require_confirmation(appeal, draft, changes, options)
    store_import(session, appeal, draft, last_import, lines, positions, now=context.now)
    session.flush()
    followed = link(session, appeal)
    follows = session.scalar(select(Appeal.slug).where(Appeal.id == appeal.follows_id))
    if followed is not None or (is_new and follows is not None):
        changes.append(ImportChange("follows", None, follows))
    if changes:
        _record_changes(session, appeal, changes, is_new=is_new, context=context)
    return ImportReport(
        slug=appeal.slug,
        state=appeal.state,
        is_new=is_new,
        is_new_language=last_import is None,
        language=draft.language,
        text_version=version,
        changes=tuple(changes),
        kept=unapplied,
        follows=follows,
    )


def _require_confirmation(
    appeal: Appeal, draft: DraftAppeal, changes: list[ImportChange], options: ImportOptions
) -> None:
    """Raise UnconfirmedChangesError if the document changes the open appeal, and nobody has agreed to these changes."""
    by_document = tuple(change for change in changes if change.field not in options.facts)
    seen = fingerprint([[one.field, _json_value(one.before), _json_value(one.after)] for one in by_document])
    error = UnconfirmedChangesError(appeal.slug, draft.language, by_document, seen)
    if by_document and not (options.is_confirmed and options.seen in {None, error.seen}):
        raise error


def _decide(session: Session, draft: DraftAppeal, case: Case, options: ImportOptions, context: Context) -> Decision:
    """Return what becomes of the document.

    Raises ImportQuestionError where that cannot be told, AppealExistsError if only a new appeal may be created, and
    NotFoundError if the appeal is another section's.
    """
    new = Decision(DecisionKind.NEW, sequence=draft.sequence)
    if options.as_other_case and case.same_document is None:
        return new
    choice = IssueChoice(options.slug is not None, options.as_update, options.as_correction)
    decision = decide(draft, case, choice)
    if decision.issue is None:
        return decision
    appeal = session.get_one(Appeal, decision.issue.appeal_id)
    if options.is_new and not options.as_correction:
        is_same = decision.kind is DecisionKind.SAME
        if not draft.reference and not draft.people and not is_same:
            return new  # the country alone does not tell a case
        may_ask = decision.kind is DecisionKind.ASK or not draft.reference
        if is_same or not may_ask or not context.actor.may_edit_for(appeal.section_code):
            raise AppealExistsError(appeal.slug)
        raise ImportQuestionError(appeal.slug, decision.reason or "unclear")
    require_access(context, appeal)
    if decision.kind is DecisionKind.ASK:
        raise ImportQuestionError(appeal.slug, decision.reason)
    return decision


def _add_appeal(
    session: Session, draft: DraftAppeal, case: Case, decision: Decision, options: ImportOptions, context: Context
) -> Appeal:
    """Return a new appeal of the actor's section, without the draft's content; it has an id.

    It follows the newest earlier issue of its case.
    """
    slug = _new_slug(session, case, decision, options)
    appeal = Appeal(slug=slug, goal=options.goal or DEFAULT_GOAL, created_at=context.now, sequence=decision.sequence)
    appeal.section_code = context.actor.section
    earlier = case.before(decision.sequence)
    if earlier is not None and not options.as_other_case:
        appeal.follows_id = earlier.appeal_id
    session.add(appeal)
    session.flush()
    return appeal


def _new_slug(session: Session, case: Case, decision: Decision, options: ImportOptions) -> str:
    """Return the slug of a new appeal: the given one, the first issue's with the number, or the document's own.

    Raises InputError if another case uses the document's own slug, unless `is_new` lets a number be appended.
    """
    used = set(session.scalars(select(Appeal.slug)))
    if case.slug not in used and options.slug is not None:
        return case.slug
    if decision.sequence > 1 and case.issues and not options.as_other_case:
        first = case.issues[0]
        stem = first.slug.removesuffix(f"-{first.sequence}") if first.sequence > 1 else first.slug
        return _numbered(stem, decision.sequence, used)
    if case.slug not in used:
        return case.slug
    if not options.is_new:
        raise InputError("slug", "taken", f"{case.slug} is the name of another case: give one with --slug")
    return _numbered(case.slug, 2, used)


def _numbered(stem: str, first: int, used: set[str]) -> str:
    """Return the stem with the first unused number, from `first` on."""
    stem = stem[: SLUG_LENGTH - 8].strip("-")
    return next(slug for number in count(first) if (slug := f"{stem}-{number}") not in used)


def _fallback_slug(draft: DraftAppeal, options: ImportOptions) -> str | None:
    """Return the slug of a document without reference, people and country; None if it is then refused."""
    return (slugify(draft.headline or "") or "appeal") if options.is_new else None


def _record_changes(
    session: Session, appeal: Appeal, changes: list[ImportChange], *, is_new: bool, context: Context
) -> None:
    """Record the author, add the changes to the audit log, and notify publishers of a correction."""
    record_author(context, appeal)
    before = None if is_new else {change.field: change.before for change in changes}
    after = {change.field: change.after for change in changes}
    audit_change(session, "appeal.import", appeal, context=context, before=before, after=after)
    notify_of_correction(session, appeal, context=context)


def _json_value(value: Any) -> Any:
    """Return a value of a change as JSON has it."""
    return value.isoformat() if isinstance(value, date) else value
