"""Common parts of the editing pages: access to the appeal, form values, and edit conflicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import ConflictError, InvalidFieldsError, NotFoundError, StateError
from campaign.queries.appeals.editor import AppealForEditing, find_for_editing
from campaign.web.staff.appeals.document_doubts import doubts_by_field
from campaign.web.staff.field_errors import error_texts
from campaign.web.staff.staff.access import scope

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EditConflict:
    """The form's values after a conflict, and the values that someone else has stored in the same fields."""

    values: Values
    stored_values: Values


def appeal_or_404(slug: str) -> AppealForEditing:
    """Return the appeal, whatever its section; answer 404 if there is none."""
    return find_for_editing(slug) or abort(404)


def editable_or_404(slug: str) -> AppealForEditing:
    """Return the appeal; answer 404 if this person may not edit it or it has ended."""
    edited_appeal = own_appeal_or_404(slug)
    return abort(404) if has_ended(edited_appeal) else edited_appeal


def own_appeal_or_404(slug: str) -> AppealForEditing:
    """Return the appeal; answer 404 if this person may not edit it.

    An ended appeal is returned too, so that a form sent after its end can be shown with the input.
    """
    edited_appeal = appeal_or_404(slug)
    return edited_appeal if scope().may_edit_for(edited_appeal.section) else abort(404)


def has_ended(edited_appeal: AppealForEditing) -> bool:
    """Return whether the appeal has ended and can no longer be changed."""
    return edited_appeal.appeal.state in {AppealState.CLOSED, AppealState.STOPPED}


def refuse_ended(edited_appeal: AppealForEditing) -> None:
    """Raise StateError if the appeal has ended. Call it before the fields of a form are checked."""
    if has_ended(edited_appeal):
        raise StateError(f"{edited_appeal.appeal.slug} is {edited_appeal.appeal.state}")


def refusal_page(
    error: InvalidFieldsError | StateError | NotFoundError,
    page: Callable[..., str],
    input_values: Values,
    original: Values,
    slug: str,
    empty: Values | None = None,
) -> ResponseReturnValue:
    """Return the form with the input and the reason of the refusal: status 422 for errors, 409 for a conflict.

    Args:
        error: The refusal of the service.
        page: The function that returns the form.
        input_values: The values of the form that was sent.
        original: The values that the person saw when they opened the form.
        slug: The slug of the appeal.
        empty: The values of a form for something new, used if there are no original values.
    """
    if isinstance(error, InvalidFieldsError):
        return page(input_values, original=original, faults=error_texts(error.faults)), 422
    if isinstance(error, ConflictError):
        merged = merge(input_values, original or empty or {}, error.current)
        return page(merged.values, original=error.current, merged=merged), 409
    end_state = "gone" if isinstance(error, NotFoundError) else str(appeal_or_404(slug).appeal.state)
    return page(input_values, original=original, end_state=end_state), 409


def form_values(
    edited_appeal: AppealForEditing,
    *,
    original: Values,
    faults: dict[str, Any] | None = None,
    merged: EditConflict | None = None,
    end_state: str | None = None,
) -> dict[str, Any]:
    """Return the values that each form's template needs besides the input.

    `end_state` is set if the input can no longer be stored: the state of the ended appeal, or `gone` for a removed
    target.
    """
    documents = list(edited_appeal.documents.values())
    return {
        "appeal": edited_appeal.appeal,
        "original": original_field(original),
        "faults": faults or {},
        "stored_values": merged.stored_values if merged else {},
        "is_conflict": merged is not None,
        "end_state": end_state,
        "documents": documents,
        "back": comparison_language(edited_appeal),
        "doubts": doubts_by_field(*documents) if edited_appeal.appeal.state == AppealState.DRAFT else {},
    }


def comparison_language(edited_appeal: AppealForEditing) -> str:
    """Return the language of the comparison from which the form was opened; "" if it was opened elsewhere."""
    language = request.values.get("back", "")
    return language if language in edited_appeal.documents else ""


def address_after(edited_appeal: AppealForEditing, anchor: str, compared_anchor: str) -> str:
    """Return where a saved form leads: to the comparison if it was opened there, else to the appeal's page.

    `anchor` is the part of the appeal's page, `compared_anchor` that of the comparison.
    """
    slug, language = edited_appeal.appeal.slug, comparison_language(edited_appeal)
    if language:
        return url_for("comparison.show", slug=slug, language=language, _anchor=compared_anchor)
    return url_for("editor.show", slug=slug, _anchor=anchor or None)


def original_field(values: Values) -> str:
    """Return the values as the form's hidden field, which `read_original` reads."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_original() -> Values:
    """Return the values that the person saw when they opened the form; an empty dict if the field is damaged."""
    try:
        values = json.loads(request.form.get("seen", ""))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def merge(input_values: Values, original: Values, current: Values) -> EditConflict:
    """Merge the changes of two people to the same form.

    A field that this person did not change gets the stored value. Of a field that both changed, the result has the
    typed value and the stored value.
    """
    values, stored_values = dict(input_values), {}
    for name in input_values:
        if name not in current or current[name] == original.get(name) or current[name] == input_values[name]:
            continue
        stored_values[name] = current[name]
        if input_values[name] == original.get(name):
            values[name] = current[name]
    return EditConflict(values, stored_values)
