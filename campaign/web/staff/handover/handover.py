"""Handovers of signatures: requesting a list, its progress, and downloading its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, abort, flash, redirect, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from wtforms import SelectField, StringField

from campaign import tasks
from campaign.config import LOCALES
from campaign.domain.appeals.appeal import TargetKind
from campaign.domain.errors import InputError, NotFoundError, StateError
from campaign.domain.handover.spreadsheet import unescape_cell
from campaign.domain.privacy.disclosure import REASON_LENGTH, BudgetError
from campaign.domain.privacy.retention import HANDOVERS
from campaign.domain.staff.roles import Permission
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.handover.handover import find_handover, handovers
from campaign.services.handover.handover import queue_handover
from campaign.services.privacy.disclosure import fetch_handover
from campaign.web.http.locale import current_locale
from campaign.web.staff.handover.export import in_section
from campaign.web.staff.handover.spreadsheet import CSV, XLSX
from campaign.web.staff.handover.workbook import stream_workbook
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff.disclosure import USED_UP, reason_fault
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("handover", __name__, url_prefix="/appeals/<slug>/handovers")
_PDF = "application/pdf"
_BOOK = ".xlsx"


class HandoverForm(TokenForm):
    """The target, the language and the reason of a handover."""

    target = SelectField(coerce=int)
    language = SelectField()
    reason = StringField()


@blueprint.get("")
@needs(Permission.EDIT, fresh=True)
def show(slug: str) -> ResponseReturnValue:
    """Show the existing lists, and the form for another one."""
    appeal = published_appeal(slug)
    return _page(appeal, _form(appeal))


@blueprint.post("")
@needs(Permission.EDIT, fresh=True)
def request_handover(slug: str) -> ResponseReturnValue:
    """Request a list, which a worker makes in the background."""
    appeal = published_appeal(slug)
    form = _form(appeal)
    if not form.validate():
        return _page(appeal, form, gettext("Please choose one of these.")), 422
    request_values = {"language": form.language.data, "target": form.target.data, "reason": form.reason.data or ""}
    try:
        handover_id = queue_handover(appeal, **request_values, context=staff_context())
    except InputError as error:
        return _page(appeal, form, reason_fault(error)), 422
    except StateError:
        return _page(appeal, form, gettext("A list is being made already.")), 422
    tasks.start_handover(handover_id)
    flash(gettext("It is being made. You may leave this page and come back."), "success")
    return redirect(url_for("handover.show", slug=appeal.slug), 303)


@blueprint.get("/<int:handover_id>/<name>")
@needs(Permission.EDIT, fresh=True)
def download(slug: str, handover_id: int, name: str) -> ResponseReturnValue:
    """Return one file of a list, after recording the access in the audit log."""
    appeal, section = published_appeal(slug), scope().section
    try:
        handover = find_handover(scope(), appeal.id, handover_id)
    except NotFoundError:
        abort(404)
    stored = name.removesuffix(_BOOK) + ".csv" if name.endswith(_BOOK) else name
    if stored not in handover.files:
        abort(404)
    try:
        pieces = fetch_handover(appeal.slug, handover.id, stored, reason=handover.reason, context=staff_context())
    except BudgetError:
        return _page(appeal, _form(appeal), USED_UP), 429
    content = in_section(section, _workbook(pieces) if name.endswith(_BOOK) else pieces)
    mime = _PDF if name.endswith(".pdf") else XLSX if name.endswith(_BOOK) else CSV
    headers = {"Content-Type": mime, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(content), headers=headers)


def _workbook(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the CSV file of names as a workbook, with unescaped cells. Each piece consists of whole rows."""
    rows = (
        [unescape_cell(cell) for cell in row]
        for piece in pieces
        for row in csv.reader(io.StringIO(piece.decode("utf-8-sig"), newline=""))
    )
    return stream_workbook(next(rows, []), rows)


def _form(appeal: AppealView) -> HandoverForm:
    """Return the form with its choices: the languages of the appeal, and the targets that are written to."""
    form = HandoverForm(language=current_locale())
    languages = [locale for locale in LOCALES if locale in appeal.texts] or list(LOCALES)
    form.language.choices = [(code, code) for code in languages]
    form.target.choices = [
        (target.position, target.name or target.role or str(target.position))
        for target in appeal.targets_in(current_locale())
        if target.kind != TargetKind.COPY
    ] or [(0, "")]
    return form


def _page(appeal: AppealView, form: HandoverForm, fault: object = None) -> str:
    handover_views = handovers(scope(), appeal.id)
    return render_template(
        "staff/handover/handovers.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        form=form,
        fault=fault,
        handovers=handover_views,
        is_waiting=any(view.is_under_way for view in handover_views),
        section=own_section(),
        retention_days=HANDOVERS.days,
        max_length=REASON_LENGTH,
    )
