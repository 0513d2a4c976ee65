"""The document's lines beside the fields that they went to: moving lines, and confirming targets and doubts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.staff.roles import Permission
from campaign.queries.appeals.editor import AppealForEditing
from campaign.queries.appeals.line_uses import Document
from campaign.services.appeals.confirm_target import confirm_doubts, confirm_target
from campaign.services.appeals.line_moves.move_lines import move_lines, part_fingerprints
from campaign.web.staff.appeals.confirmations import confirmation_values
from campaign.web.staff.appeals.editing import appeal_or_404
from campaign.web.staff.appeals.editor import page as editor_page
from campaign.web.staff.appeals.line_fields import (
    colour_of,
    compared_lines,
    destinations,
    lines_by_place,
    target_fields,
    text_fields,
)
from campaign.web.staff.field_errors import error_text
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff_form import read_number

blueprint = Blueprint("comparison", __name__, url_prefix="/appeals/<slug>")
# Lines with text on one page, so that the page of a very long document stays small.
PAGE_LINES = 200
# With more destinations than these, lines are moved with the one list above them only.
MAX_LINE_OPTIONS = 80


@blueprint.get("/comparison")
@needs(Permission.SEE_COUNTS)
def show(slug: str) -> ResponseReturnValue:
    """Show the document in `?language=` (else the first one) beside the draft, from line `?first=` on."""
    return page(appeal_or_404(slug))


@blueprint.post("/comparison")
@needs(Permission.EDIT)
def move(slug: str) -> ResponseReturnValue:
    """Move the chosen lines to another field."""
    form, language = request.form, request.form.get("language", "")
    single = read_number(form.get("line", ""))
    numbers = (
        [number for text in form.getlist("lines") if (number := read_number(text))] if single is None else [single]
    )
    to = form.get("here") or form.get("to" if single is None else f"to-{single}", "")

    def act() -> str:
        position = move_lines(slug, language, numbers, to, _read_expected(), context=staff_context())
        return f"target-{position}" if position else f"line-{language}-{min(numbers)}"

    return _run(slug, act, gettext("Moved."))


@blueprint.post("/targets/<int:position>/confirm")
@needs(Permission.EDIT)
def confirm(slug: str, position: int) -> ResponseReturnValue:
    """Confirm that the target is right, with the ticked doubts about it."""

    def act() -> str:
        doubts, expected = request.form.getlist("doubt"), request.form.get("seen", "")
        confirm_target(slug, position, doubts, expected, context=staff_context())
        edited_appeal = appeal_or_404(slug)
        unconfirmed = [each for each in edited_appeal.targets if each not in edited_appeal.confirmations]
        return f"target-{unconfirmed[0]}" if unconfirmed else "next"

    return _run(slug, act, gettext("Confirmed."), position)


@blueprint.post("/doubts")
@needs(Permission.EDIT)
def confirm_looked_at(slug: str) -> ResponseReturnValue:
    """Confirm that the ticked doubts were looked at."""

    def act() -> str:
        confirm_doubts(slug, request.form.getlist("doubt"), context=staff_context())
        return "doubts"

    return _run(slug, act, gettext("Confirmed."))


def page(edited_appeal: AppealForEditing, faults: dict[str, Any] | None = None) -> str:
    """Return the page; `faults` are the error messages of a form by field. Answer 404 without a document."""
    documents = edited_appeal.documents
    language = request.values.get("language", "") or next(iter(documents), "")
    document = documents.get(language) or abort(404)
    appeal = edited_appeal.appeal
    first = read_number(request.values.get("first", "")) or 1
    lines = compared_lines(document, first, PAGE_LINES)
    is_draft = appeal.state == AppealState.DRAFT
    groups = destinations(edited_appeal)
    by_place = lines_by_place(document)
    return render_template(
        "staff/appeals/comparison.html",
        edited_appeal=edited_appeal,
        appeal=appeal,
        document=document,
        languages=list(documents),
        lines=lines,
        first=first,
        next_line=_next_line(document, lines[-1].number) if lines else None,
        target_fields={
            position: target_fields(language, by_place, position, values)
            for position, values in edited_appeal.targets.items()
        },
        text_fields=text_fields(document, by_place, edited_appeal.words.get(language, {})),
        groups=groups,
        has_line_options=sum(len(options) for _, options in groups) <= MAX_LINE_OPTIONS,
        seen=json.dumps(part_fingerprints(edited_appeal.words.get(language, {}), edited_appeal.targets)),
        can_change=is_draft and scope().may_edit_for(edited_appeal.section) and scope().may(Permission.EDIT),
        chosen=request.form.getlist("lines"),
        chosen_to=request.form.get("to", ""),
        **confirmation_values(edited_appeal),
        colour_of=colour_of,
        faults=faults or {},
    )


def _read_expected() -> dict[str, str]:
    """Return the fingerprints that the form was opened with; an empty dict if the field is damaged."""
    try:
        values = json.loads(request.form.get("seen", ""))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _next_line(document: Document, last: int) -> int | None:
    """Return the number of the next line with text after that line; None at the document's end."""
    later = enumerate(document.lines[last:], start=last + 1)
    return next((number for number, text in later if text.strip()), None)


def _run(slug: str, act: Callable[[], str], message: str, position: int | None = None) -> ResponseReturnValue:
    """Run the act and redirect to the part of the page that it names. Show a refusal on the page, with the input."""
    try:
        anchor = act()
    except NotFoundError:
        abort(404)
    except InputError as error:
        fault = error_text(error.field, error.code)
        return _refusal(slug, {f"target-{position}" if position else "move": fault}), 422
    except ConflictError:
        fault = gettext("Someone else changed this while you were reading, so nothing was saved. Look at it once more.")
        return _refusal(slug, {"conflict": fault}), 409
    except StateError:
        fault = gettext("That is not possible as it stands. Please look at the page once more.")
        return _refusal(slug, {"conflict": fault}), 422
    flash(message, "success")
    language = request.form.get("language", "")
    if not language:
        return redirect(url_for("editor.show", slug=slug, _anchor=anchor), 303)
    first = read_number(request.form.get("first", ""))
    first = first if first and first > 1 else None
    return redirect(url_for("comparison.show", slug=slug, language=language, first=first, _anchor=anchor), 303)


def _refusal(slug: str, faults: dict[str, Any]) -> str:
    """Return the page that the form was on, with the error messages."""
    edited_appeal = appeal_or_404(slug)
    if request.form.get("language", "") in edited_appeal.documents:
        return page(edited_appeal, faults)
    return editor_page(edited_appeal, faults={**faults, "publish": faults.get("conflict")})
