"""The editor: the list of all appeals, the import of a document as a draft, and the page of one appeal."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.config import LOCALES
from campaign.document import MAX_FILE_BYTES, DocumentError, DraftAppeal, read_document
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import AppealExistsError, InputError, NotFoundError, StateError
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
from campaign.web.staff.appeals.document_doubts import GENERAL, doubts_by_field
from campaign.web.staff.appeals.editing import appeal_or_404, editable_or_404
from campaign.web.staff.field_errors import fault
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import accepts_upload, needs, scope, staff_context
from campaign.web.staff.staff.security_texts import text_languages

blueprint = Blueprint("editor", __name__, url_prefix="/appeals")
MAX_SEARCH_LENGTH = 100


@blueprint.get("")
@needs(Permission.SEE_COUNTS)
def index() -> ResponseReturnValue:
    """Return the appeals, drafts too, a page at a time: `?before=` goes on behind one, `?q=` finds by words."""
    return _index()


@blueprint.post("")
@needs(Permission.EDIT)
@accepts_upload
def upload() -> ResponseReturnValue:
    """Import a document as a draft of the own section."""
    upload = _read_upload()
    if isinstance(upload, str):
        return _index(upload), 422
    try:
        report = _import(upload, ImportOptions(is_new=True))
    except AppealExistsError as error:
        return _index(known=error.slug), 422
    flash(gettext("The document was read. Please look through what it says."), "success")
    return redirect(url_for("editor.show", slug=report.slug), 303)


@blueprint.get("/<slug>/edit")
@needs(Permission.SEE_COUNTS)
def show(slug: str) -> ResponseReturnValue:
    """Show one appeal: its content, what is missing, and the possible actions."""
    return page(appeal_or_404(slug))


@blueprint.post("/<slug>/document")
@needs(Permission.EDIT)
@accepts_upload
def add_document(slug: str) -> ResponseReturnValue:
    """Import another document of the same appeal: a further language, or a correction."""
    edited = editable_or_404(slug)
    upload = _read_upload()
    if isinstance(upload, str):
        return page(edited, wrong={"document": upload}), 422
    try:
        report = _import(upload, ImportOptions(slug=slug))
    except (InputError, NotFoundError, StateError):
        return page(edited, wrong={"document": fault("document", "ended")}), 422
    if not report.kept and (report.is_new_language or not report.changes):
        message = gettext("Added.") if report.is_new_language else gettext("This document says nothing new.")
        flash(message, "success")
        return redirect(url_for("editor.show", slug=slug), 303)
    return render_template("staff/appeals/imported.html", edited=find_for_editing(slug), report=report)


@blueprint.get("/<slug>/texts")
@needs(Permission.EDIT)
def add_language(slug: str) -> ResponseReturnValue:
    """Redirect to the empty form of a language."""
    language = request.args.get("language", "")
    if not is_language(language):
        return redirect(url_for("editor.show", slug=editable_or_404(slug).appeal.slug), 303)
    return redirect(url_for("text.show", slug=slug, language=language), 303)


def page(
    edited: AppealForEditing,
    *,
    wrong: dict[str, Any] | None = None,
    typed: dict[str, Any] | None = None,
    theirs: dict[str, Any] | None = None,
) -> str:
    """Return the appeal's page.

    `wrong` holds the errors of a form, `typed` its input, `theirs` what someone else has written in the meantime.
    """
    now, locale, person = runtime().clock(), current_locale(), scope()
    sections = section_names()
    appeal = edited.appeal
    is_ours = person.section in {section.code for section in participating_sections(list_sections(), appeal.sections)}
    has_ended = appeal.state in {AppealState.CLOSED, AppealState.STOPPED}
    return render_template(
        "staff/appeals/editor.html",
        edited=edited,
        appeal=appeal,
        text=appeal.text_in(locale) if appeal.texts else None,
        sections=sections,
        blockers=publish_blockers(appeal, now=now) if appeal.state == AppealState.DRAFT else (),
        doubts={
            language: doubts_by_field(document).get(GENERAL, []) for language, document in edited.documents.items()
        },
        may_edit=person.may_edit_for(edited.section),
        can_edit=person.may_edit_for(edited.section) and not has_ended,
        may_coordinate=person.may(Permission.COORDINATE),
        is_writer=person.staff_id in edited.written_by,
        can_set_continuation=is_ours
        and person.may(Permission.EDIT)
        and appeal.state in {AppealState.OPEN, AppealState.CLOSED},
        languages=[pair for pair in text_languages(locale) if pair[0] not in appeal.texts],
        related=[
            each for each in related_appeals(appeal) if each.slug != appeal.slug and each.state != AppealState.DRAFT
        ],
        others=[each for each in newest_appeals(beside=_earlier(edited, typed)) if each.slug != appeal.slug],
        wrong=wrong or {},
        typed=typed or {},
        theirs=theirs or {},
        as_text=str,
        outcome_languages=LOCALES,
        most=MAX_FILE_BYTES,
    )


def _earlier(edited: AppealForEditing, typed: dict[str, Any] | None) -> str | None:
    """Return the appeal that this one follows, as it is typed or kept."""
    return (typed or {}).get("follows") or (edited.follows.slug if edited.follows else None)


def _index(wrong: object = None, known: str | None = None) -> str:
    words = " ".join(request.args.get("q", "").replace("\0", " ").split())[:MAX_SEARCH_LENGTH]
    typed_before = request.args.get("before", "")
    before = int(typed_before) if typed_before.isascii() and typed_before.isdigit() and len(typed_before) < 18 else None
    listed = list_appeals(before=before, words=words)
    return render_template(
        "staff/appeals/list.html",
        listed=listed,
        words=words,
        is_first=before is None,
        older=listed[-1].id if len(listed) == PAGE else None,
        sections=section_names(),
        can_upload=scope().may(Permission.EDIT),
        wrong=wrong,
        known=known,
        most=MAX_FILE_BYTES,
    )


def _read_upload() -> tuple[DraftAppeal, tuple[str, ...]] | str:
    """Return the document's content with its lines, or the error message for the file."""
    file = request.files.get("document")
    if file is None or not file.filename:
        return str(fault("document", "missing"))
    with file.stream as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    try:
        return read_document(data, file.filename)
    except DocumentError as error:
        return str(fault("document", error.code))


def _import(upload: tuple[DraftAppeal, tuple[str, ...]], options: ImportOptions) -> ImportReport:
    draft, lines = upload
    return import_draft(draft, options, context=staff_context(), lines=lines)
