"""Common parts of the editing pages: access to the appeal, form values, and conflicts between two editors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import ConflictError, InvalidFieldsError, NotFoundError, StateError
from campaign.queries.appeals.editor import AppealForEditing, find_for_editing
from campaign.web.staff.appeals.document_doubts import doubts_by_field
from campaign.web.staff.field_errors import faults
from campaign.web.staff.staff.access import scope

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EditConflict:
    """The form's values after a conflict, and the values that others wrote in the same fields."""

    values: Values
    theirs: Values


def appeal_or_404(slug: str) -> AppealForEditing:
    """Return the appeal, for anybody of the staff; 404 where there is none."""
    return find_for_editing(slug) or abort(404)


def editable_or_404(slug: str) -> AppealForEditing:
    """Return the appeal, for those who work on it, while it can be changed; else 404."""
    edited = own_appeal_or_404(slug)
    return abort(404) if has_ended(edited) else edited


def own_appeal_or_404(slug: str) -> AppealForEditing:
    """Return the appeal, for those who work on it, ended or not: what they typed is not to be lost; else 404."""
    edited = appeal_or_404(slug)
    return edited if scope().may_edit_for(edited.section) else abort(404)


def has_ended(edited: AppealForEditing) -> bool:
    """Return whether nothing of the appeal can be changed any more."""
    return edited.appeal.state in {AppealState.CLOSED, AppealState.STOPPED}


def refuse_ended(edited: AppealForEditing) -> None:
    """Raise StateError where the appeal has ended, before anything else of a form is found wrong."""
    if has_ended(edited):
        raise StateError(f"{edited.appeal.slug} is {edited.appeal.state}")


def refusal_page(
    error: InvalidFieldsError | StateError | NotFoundError,
    page: Callable[..., str],
    typed: Values,
    before: Values,
    slug: str,
    empty: Values | None = None,
) -> ResponseReturnValue:
    """Return the form with the input and the reason of the refusal: 422 for errors, 409 for a change in the meantime.

    `empty` is the form's content if there was nothing before.
    """
    if isinstance(error, InvalidFieldsError):
        return page(typed, before=before, wrong=faults(error.faults)), 422
    if isinstance(error, ConflictError):
        merged = merge(typed, before or empty or {}, error.current)
        return page(merged.values, before=error.current, merged=merged), 409
    ended = "gone" if isinstance(error, NotFoundError) else str(appeal_or_404(slug).appeal.state)
    return page(typed, before=before, ended=ended), 409


def form_values(
    edited: AppealForEditing,
    *,
    before: Values,
    wrong: dict[str, Any] | None = None,
    merged: EditConflict | None = None,
    ended: str | None = None,
) -> dict[str, Any]:
    """Return the values that each form's template needs besides the input.

    `ended` tells that the input cannot be stored any more: the appeal's state, or that it is gone.
    """
    documents = list(edited.documents.values())
    return {
        "appeal": edited.appeal,
        "seen": seen_field(before),
        "wrong": wrong or {},
        "theirs": merged.theirs if merged else {},
        "is_conflict": merged is not None,
        "ended": ended,
        "documents": documents,
        "doubts": doubts_by_field(*documents) if edited.appeal.state == AppealState.DRAFT else {},
    }


def seen_field(values: Values) -> str:
    """Return the values as the form's hidden field, which `read_seen` reads."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_seen() -> Values:
    """Return the values that the person saw when they began to type; empty if they came back damaged."""
    try:
        values = json.loads(request.form.get("seen", ""))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def merge(typed: Values, before: Values, current: Values) -> EditConflict:
    """Return both people's changes merged, without losing either.

    Fields that this person left unchanged take the others' values; fields that both changed show both.
    """
    values, theirs = dict(typed), {}
    for name in typed:
        if name not in current or current[name] == before.get(name) or current[name] == typed[name]:
            continue
        theirs[name] = current[name]
        if typed[name] == before.get(name):
            values[name] = current[name]
    return EditConflict(values, theirs)
