"""The editor: the list of all appeals, the import of a document as a draft, and the page of one appeal."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.config import LOCALES
from campaign.document import MAX_FILE_BYTES
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import (
    AppealExistsError,
    ImportQuestionError,
    InputError,
    NotFoundError,
    StateError,
    UnconfirmedChangesError,
)
from campaign.domain.sections.section import participating_sections
from campaign.domain.staff.roles import Permission
from campaign.domain.typed_text import is_language
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal_list import PAGE, list_appeals, newest_appeals
from campaign.queries.appeals.editor import AppealForEditing, find_for_editing
from campaign.queries.appeals.publish_blockers import publish_blockers
from campaign.queries.counting.staff_counts import related_appeals
from campaign.queries.sections.section import list_sections
from campaign.services.appeals.import_draft import ImportOptions, ImportReport, import_draft
from campaign.web.http.locale import current_locale
from campaign.web.staff.appeals.confirmations import confirmation_values
from campaign.web.staff.appeals.document_upload import Upload, pasted_text, read_upload
from campaign.web.staff.appeals.editing import appeal_or_404, editable_or_404
from campaign.web.staff.appeals.import_question import ask_confirmation, ask_issue, chosen_options
from campaign.web.staff.field_errors import error_text
from campaign.web.staff.locale import text_languages
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import accepts_upload, needs, scope, staff_context
from campaign.web.staff.staff_form import read_number

blueprint = Blueprint("editor", __name__, url_prefix="/appeals")
MAX_SEARCH_LENGTH = 100


@blueprint.get("")
@needs(Permission.SEE_COUNTS)
def index() -> ResponseReturnValue:
    """Show the appeals, with drafts, one page at a time. `?before=` is the last id shown, `?q=` a search text."""
    return _index()


@blueprint.post("")
@needs(Permission.EDIT)
@accepts_upload
def upload() -> ResponseReturnValue:
    """Import a document as a draft of this person's section, or as the answer to a question about it."""
    upload = read_upload()
    if isinstance(upload, str):
        return _index(upload), 422
    options = chosen_options(None)
    try:
        return _import(upload, options, url_for("editor.upload"))
    except AppealExistsError as error:
        return _index(existing_slug=error.slug), 422
    except StateError:
        return _index(error_text("document", "ended")), 422
    except (InputError, NotFoundError):
        return abort(404)


@blueprint.get("/<slug>/edit")
@needs(Permission.SEE_COUNTS)
def show(slug: str) -> ResponseReturnValue:
    """Show one appeal: its content, what prevents publishing, and the possible actions."""
    return page(appeal_or_404(slug))


@blueprint.post("/<slug>/document")
@needs(Permission.EDIT)
@accepts_upload
def add_document(slug: str) -> ResponseReturnValue:
    """Import another document of the same appeal: a further language, or a correction."""
    edited_appeal = editable_or_404(slug)
    upload = read_upload()
    if isinstance(upload, str):
        return page(edited_appeal, faults={"document": upload}), 422
    try:
        return _import(upload, chosen_options(slug), url_for("editor.add_document", slug=slug))
    except (InputError, NotFoundError, StateError):
        return page(edited_appeal, faults={"document": error_text("document", "ended")}), 422


@blueprint.get("/<slug>/texts")
@needs(Permission.EDIT)
def add_language(slug: str) -> ResponseReturnValue:
    """Redirect to the form for the text in the chosen language."""
    language = request.args.get("language", "")
    if not is_language(language):
        return redirect(url_for("editor.show", slug=editable_or_404(slug).appeal.slug), 303)
    return redirect(url_for("text.show", slug=slug, language=language), 303)


def page(
    edited_appeal: AppealForEditing,
    *,
    faults: dict[str, Any] | None = None,
    input_values: dict[str, Any] | None = None,
    stored_values: dict[str, Any] | None = None,
) -> str:
    """Return the appeal's page.

    Args:
        edited_appeal: The appeal.
        faults: The error messages of a form by field.
        input_values: The input of that form.
        stored_values: The values that someone else has stored since the page was opened.
    """
    now, locale, own_scope = runtime().clock(), current_locale(), scope()
    sections = section_names()
    appeal = edited_appeal.appeal
    takes_part = own_scope.section in {
        section.code for section in participating_sections(list_sections(), appeal.sections)
    }
    has_ended = appeal.state in {AppealState.CLOSED, AppealState.STOPPED}
    return render_template(
        "staff/appeals/editor.html",
        edited_appeal=edited_appeal,
        appeal=appeal,
        text=appeal.text_in(locale) if appeal.texts else None,
        sections=sections,
        blockers=publish_blockers(appeal, now=now) if appeal.state == AppealState.DRAFT else (),
        **confirmation_values(edited_appeal),
        may_edit=own_scope.may_edit_for(edited_appeal.section),
        can_edit=own_scope.may_edit_for(edited_appeal.section) and not has_ended,
        may_coordinate=own_scope.may(Permission.COORDINATE),
        is_writer=own_scope.staff_id in edited_appeal.written_by,
        can_set_continuation=takes_part
        and own_scope.may(Permission.EDIT)
        and appeal.state in {AppealState.OPEN, AppealState.CLOSED},
        languages=[pair for pair in text_languages(locale) if pair[0] not in appeal.texts],
        related=[
            other for other in related_appeals(appeal) if other.slug != appeal.slug and other.state != AppealState.DRAFT
        ],
        appeals_to_follow=[
            other
            for other in newest_appeals(included_slug=_earlier_slug(edited_appeal, input_values))
            if other.slug != appeal.slug
        ],
        faults=faults or {},
        input_values=input_values or {},
        stored_values=stored_values or {},
        outcome_languages=LOCALES,
        max_bytes=MAX_FILE_BYTES,
        pasted=pasted_text(),
    )


def _earlier_slug(edited_appeal: AppealForEditing, input_values: dict[str, Any] | None) -> str | None:
    """Return the slug of the appeal that this one follows, from the input or else as stored."""
    return (input_values or {}).get("follows") or (edited_appeal.follows.slug if edited_appeal.follows else None)


def _index(fault: object = None, existing_slug: str | None = None) -> str:
    """Return the list of appeals; `fault` and `existing_slug` say why a document was not imported."""
    search_text = " ".join(request.args.get("q", "").replace("\0", " ").split())[:MAX_SEARCH_LENGTH]
    before = read_number(request.args.get("before", ""))
    appeals = list_appeals(before=before, words=search_text)
    return render_template(
        "staff/appeals/list.html",
        appeals=appeals,
        search_text=search_text,
        is_first=before is None,
        oldest_id=appeals[-1].id if len(appeals) == PAGE else None,
        sections=section_names(),
        can_upload=scope().may(Permission.EDIT),
        fault=fault,
        existing_slug=existing_slug,
        max_bytes=MAX_FILE_BYTES,
        pasted=pasted_text(),
    )


def _import(upload: Upload, options: ImportOptions, address: str) -> ResponseReturnValue:
    """Import the document and return the answer: what it changed, or a question whose form is sent to `address`."""
    try:
        report = import_draft(upload.draft, options, context=staff_context(), lines=upload.lines)
    except ImportQuestionError as question:
        return ask_issue(question, upload, address), 409
    except UnconfirmedChangesError as unconfirmed:
        return ask_confirmation(unconfirmed, upload, address), 409
    if not report.is_new and (report.kept or (report.changes and not report.is_new_language)):
        edited_appeal = find_for_editing(report.slug)
        return render_template("staff/appeals/imported.html", edited_appeal=edited_appeal, report=report)
    flash(_summary(report), "success")
    language = None if report.is_new else report.language
    return redirect(url_for("comparison.show", slug=report.slug, language=language), 303)


def _summary(report: ImportReport) -> str:
    """Return what became of the document, in a sentence."""
    if report.is_new and report.follows:
        message = gettext(
            "The document became a new appeal, which follows %(slug)s. Nothing there was changed.", slug=report.follows
        )
    elif report.is_new:
        message = gettext("The document was read. Please look through what it says.")
    else:
        message = gettext("Added.") if report.is_new_language else gettext("This document says nothing new.")
    return str(message)
