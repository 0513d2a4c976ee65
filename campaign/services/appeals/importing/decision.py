"""The decision which issue of its case a document is: an update never overwrites the appeal that it follows.

The first row that fits decides. "Update" is a document that says update, further information, follow-up, or a number
from 2 on, in any line; "first" one that says `First UA` or the like; "plain" one that says neither, with the number 1.

| row | the case | the document | it becomes |
|---|---|---|---|
| new slug | `--slug` of no appeal | any, also one imported before | a new appeal |
| same document | an issue of this document | any | that issue |
| no case | no appeal | any | a new appeal |
| as correction | the issue of the slug or number, or the only one | `--as-correction` | a correction |
| several to correct | several, none of its number | `--as-correction` | refused: name one |
| as update | any | `--as-update` | the next issue |
| translated update | newest lacks the language; same index, or above 1 same date | update without number | a language |
| update | only the first issue | update without number | the next issue |
| later update | newest is older, and of another index if known | update without number | the next issue |
| unclear update | otherwise | update without number | asked |
| plain translation | `--slug` of an issue above 1 without the language | plain | a language |
| below the slug | `--slug` of an issue with a higher number | numbered, first, plain | asked |
| other number | no issue of its number | numbered, first, plain | a new appeal |
| further language | that issue lacks the language | numbered, first, plain | a language |
| other case | `--slug` of an appeal with another reference | numbered, first, plain | asked |
| older | that issue has a later date | numbered, first, plain | asked |
| correction | that issue | numbered, first | a correction |
| unclear | that issue | plain | asked |
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from campaign.document.draft import DraftAppeal
from campaign.domain.errors import InputError
from campaign.services.appeals.importing.case_issues import Case, CaseIssue


class DecisionKind(StrEnum):
    """The kinds of result of an import."""

    NEW = "new"
    SAME = "same"
    LANGUAGE = "language"
    CORRECTION = "correction"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of an import: a new appeal with that sequence, or a change of the issue."""

    kind: DecisionKind
    # The issue that the document belongs to, or with which the question compares it; None for a new appeal.
    issue: CaseIssue | None = None
    # Of a new appeal.
    sequence: int = 1
    # Why it is asked: "unclear", "older" or "other-case".
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IssueChoice:
    """The choice of the person who imports: the slug, and whether it is an update or a correction."""

    has_slug: bool = False
    is_update: bool = False
    is_correction: bool = False


def decide(draft: DraftAppeal, case: Case, choice: IssueChoice) -> Decision:
    """Return what becomes of the document, by the table above.

    Raises InputError (`slug`) if there is no appeal to correct, or several without a slug to choose one.
    """
    if choice.has_slug and case.named is None:
        return _of_new_slug(draft, case, choice)
    if case.same_document is not None:
        return Decision(DecisionKind.SAME, case.same_document)
    if not case.issues:
        return _of_new_slug(draft, case, choice)
    if choice.is_correction:
        return Decision(DecisionKind.CORRECTION, _corrected(draft, case, choice))
    if choice.is_update:
        return Decision(DecisionKind.NEW, sequence=case.newest.sequence + 1)
    number = stated_number(draft)
    if number is None:
        return _place_unnumbered_update(draft, case)
    return _place_number(draft, case, number, choice)


def stated_number(draft: DraftAppeal) -> int | None:
    """Return the document's position in its case: 1 if it says no update, None for an update without a number."""
    is_unknown = draft.reference is None or any(warning.code == "sequence-unknown" for warning in draft.warnings)
    if draft.sequence > 1:
        return None if is_unknown else draft.sequence
    return None if draft.is_update else 1


def _of_new_slug(draft: DraftAppeal, case: Case, choice: IssueChoice) -> Decision:
    """Return a new appeal. Raises InputError if a correction was chosen."""
    if choice.is_correction:
        raise InputError("slug", "missing", f"there is no appeal {case.slug} to correct: give another name with --slug")
    if not (choice.is_update or stated_number(draft) is None):
        return Decision(DecisionKind.NEW, sequence=draft.sequence)
    return Decision(DecisionKind.NEW, sequence=case.newest.sequence + 1 if case.issues else max(draft.sequence, 2))


def _corrected(draft: DraftAppeal, case: Case, choice: IssueChoice) -> CaseIssue:
    """Return the issue that the document corrects. Raises InputError if there are several and none is named."""
    if choice.has_slug and case.named is not None:
        return case.named
    number = stated_number(draft)
    issue = case.of_number(number) if number is not None else None
    if issue is not None:
        return issue
    if len(case.issues) > 1:
        slugs = ", ".join(issue.slug for issue in case.issues)
        raise InputError("slug", "ambiguous", f"name the appeal that it corrects with --slug: {slugs}")
    return case.issues[0]


def _place_unnumbered_update(draft: DraftAppeal, case: Case) -> Decision:
    """Return what becomes of an update that does not say its number."""
    newest = case.newest
    following = Decision(DecisionKind.NEW, sequence=newest.sequence + 1)
    has_same_index = newest.index is not None and newest.index == draft.index
    has_other_index = None not in {newest.index, draft.index} and not has_same_index
    has_same_date = newest.issued_on is not None and newest.issued_on == draft.issued_on
    is_same_issue = has_same_index or (newest.sequence > 1 and has_same_date and not has_other_index)
    if is_same_issue and not newest.has_language:
        return Decision(DecisionKind.LANGUAGE, newest)
    if newest.sequence == 1:
        return following
    if _is_later(draft, newest) and not has_same_index and (newest.has_language or has_other_index):
        return following
    return Decision(DecisionKind.ASK, newest, reason="older" if _is_older(draft, newest) else "unclear")


def _place_number(draft: DraftAppeal, case: Case, number: int, choice: IssueChoice) -> Decision:
    """Return what becomes of a document with a number; one that says none has the number 1."""
    named = case.named if choice.has_slug else None
    if named is not None and number < named.sequence:
        if number == 1 and draft.is_update is None and not named.has_language:
            return Decision(DecisionKind.LANGUAGE, named)
        return Decision(DecisionKind.ASK, named, reason="older")
    issue = case.of_number(number)
    if issue is None:
        return Decision(DecisionKind.NEW, sequence=number)
    if not issue.has_language:
        return Decision(DecisionKind.LANGUAGE, issue)
    if None not in {issue.reference, draft.reference} and issue.reference != draft.reference:
        return Decision(DecisionKind.ASK, issue, reason="other-case")
    if _is_older(draft, issue):
        return Decision(DecisionKind.ASK, issue, reason="older")
    if draft.is_update is False or number > 1:
        return Decision(DecisionKind.CORRECTION, issue)
    return Decision(DecisionKind.ASK, issue, reason="unclear")


def _is_older(draft: DraftAppeal, issue: CaseIssue) -> bool:
    """Return whether the document has an earlier date than the issue's document in the same language."""
    return draft.issued_on is not None and issue.issued_on is not None and draft.issued_on < issue.issued_on


def _is_later(draft: DraftAppeal, issue: CaseIssue) -> bool:
    """Return whether the document has a later date than the issue's document in the same language."""
    return draft.issued_on is not None and issue.issued_on is not None and draft.issued_on > issue.issued_on
