"""Paper signature sheets: a sheet to print, and entering its rows by a form or a CSV file, with a preview."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext, ngettext
from werkzeug.exceptions import ServiceUnavailable
from wtforms import BooleanField, StringField

from campaign.config import LOCALES
from campaign.domain.country import COUNTRIES, country_names
from campaign.domain.errors import InputError
from campaign.domain.offline.bulk_entry import (
    MAX_UNCONFIRMED,
    NOTE_LENGTH,
    PLACE_LENGTH,
    UnusualQuantityError,
    read_line,
)
from campaign.domain.offline.paper_sheet import MAX_BYTES, MAX_ROWS, CheckedSheet, TypedRow, read_csv, read_rows
from campaign.domain.offline.sheet_columns import COLUMNS, SheetError
from campaign.domain.signing.signature import clean_via
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.offline.paper_sheet import (
    DuplicateSheetError,
    SheetEntry,
    count_rows_without_sign_up,
    enter_sheet,
)
from campaign.web.http.locale import current_locale, number
from campaign.web.pictures.typeset import BusyError
from campaign.web.staff.offline.bulk_entries import checked_day, notify_if_waiting, today
from campaign.web.staff.offline.captions import COLUMN_NAMES, FAULTS, FILE_FAULTS, row_fault
from campaign.web.staff.offline.sheet_print import NotPrintableError, sheet_pdf
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import accepts_bytes, needs, scope, staff_context
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("paper_sheet", __name__, url_prefix="/appeals/<slug>/sheet")
# The number of empty rows that the form starts with and that "more rows" adds, and the largest number of its rows.
ROWS, MAX_TYPED = 25, 500
_MAX_LISTED = 200
_FORM_BYTES = MAX_BYTES + 256 * 1024
_RETRY_SECONDS = 5


class SheetForm(TokenForm):
    """The fields for the whole sheet; `sure` and `again` answer the questions of the preview."""

    day = StringField()
    place = StringField()
    note = StringField()
    country = StringField()
    language = StringField()
    rows = StringField()
    sure = BooleanField()
    again = BooleanField()


@blueprint.get("/print.pdf")
@needs(Permission.EDIT)
def print_sheet(slug: str) -> ResponseReturnValue:
    """Return a sheet to print in the requested language.

    Its QR code has a source tag: the given one, or the section's.
    """
    appeal = published_appeal(slug)
    language = request.args.get("lang", current_locale())
    if language not in LOCALES:
        abort(404)
    via = clean_via(request.args.get("via")) or f"paper-{scope().section}"
    try:
        with force_locale(language):
            content = sheet_pdf(appeal, own_section(), language, via)
    except NotPrintableError:
        advice = gettext("This server has no font that shows every sign of it (TOCSIN_FONTS).")
        return render_template("staff/error.html", title=gettext("No sheet in this language"), advice=advice), 404
    except BusyError as error:
        raise ServiceUnavailable(retry_after=_RETRY_SECONDS) from error
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{slug}-sheet-{language}.pdf"'
    return response


@blueprint.get("")
@needs(Permission.EDIT)
def show(slug: str) -> ResponseReturnValue:
    """Show the form for a sheet's rows, and the form for a file."""
    section = own_section()
    country = section.countries[0] if section.countries else ""
    form = SheetForm(day=today().isoformat(), country=country, language=current_locale())
    return _page(published_appeal(slug), form, _empty_rows(ROWS))


@blueprint.post("")
@needs(Permission.EDIT)
@accepts_bytes(_FORM_BYTES)
def check(slug: str) -> ResponseReturnValue:
    """Check the typed rows and show a preview, or all errors with status 422. Store nothing."""
    appeal, form, rows = published_appeal(slug), SheetForm(), _read_typed_rows()
    if "more" in request.form:
        return _page(appeal, form, rows + _empty_rows(min(ROWS, MAX_TYPED - len(rows)), len(rows)))
    faults = _field_faults(appeal, form)
    sheet = read_rows(rows, form.country.data or "", LOCALES)
    if not sheet.rows and not sheet.faults:
        faults["rows"] = FILE_FAULTS["empty"]
    if faults or sheet.faults:
        return _page(appeal, form, rows, faults, sheet), 422
    return _preview(appeal, form, rows, sheet)


@blueprint.post("/file")
@needs(Permission.EDIT)
@accepts_bytes(_FORM_BYTES)
def upload(slug: str) -> ResponseReturnValue:
    """Check a CSV file and show a preview, or the error of each line with status 422. Store nothing."""
    appeal, form = published_appeal(slug), SheetForm()
    faults, file = _field_faults(appeal, form), request.files.get("file")
    rows: list[TypedRow] = []
    skipped_columns: tuple[str, ...] = ()
    try:
        rows, skipped_columns = read_csv(file.read() if file is not None else b"")
    except SheetError as error:
        faults["file"] = FILE_FAULTS[error.code] % {"detail": error.detail, "most": number(MAX_ROWS)}
    sheet = read_rows(rows, form.country.data or "", LOCALES)
    if faults or sheet.faults:
        return _page(appeal, form, _empty_rows(ROWS), faults, sheet, is_file=True), 422
    return _preview(appeal, form, rows, sheet, skipped_columns=skipped_columns)


@blueprint.post("/rows")
@needs(Permission.EDIT)
@accepts_bytes(_FORM_BYTES)
def show_rows(slug: str) -> ResponseReturnValue:
    """Show the rows again after the preview, unchanged."""
    appeal, rows = published_appeal(slug), _read_hidden_rows(request.form.get("rows", ""))
    if len(rows) > MAX_TYPED:
        flash(gettext("So many rows are better mended in the file."), "info")
        return redirect(url_for("paper_sheet.show", slug=slug), 303)
    numbered = [replace(row, line=line) for line, row in enumerate(rows, 1)]
    return _page(appeal, SheetForm(), numbered + _empty_rows(max(0, ROWS - len(rows)), len(rows)))


@blueprint.post("/save")
@needs(Permission.EDIT)
@accepts_bytes(_FORM_BYTES)
def save(slug: str) -> ResponseReturnValue:
    """Store the rows of the preview, after checking them again, because the browser may have changed them."""
    appeal, form = published_appeal(slug), SheetForm()
    rows = _read_hidden_rows(form.rows.data or "")
    faults, sheet = _field_faults(appeal, form), read_rows(rows, form.country.data or "", LOCALES)
    if faults or sheet.faults or not sheet.rows:
        return _page(appeal, form, rows or _empty_rows(ROWS), faults, sheet), 422
    entry = SheetEntry(
        sheet,
        checked_day(appeal, form.day.data or ""),
        read_line("place", form.place.data or "", PLACE_LENGTH),
        read_line("note", form.note.data or "", NOTE_LENGTH),
        form.language.data or "",
    )
    is_sure, is_again = bool(form.sure.data), bool(form.again.data)
    try:
        entry_id = enter_sheet(slug, entry, is_sure=is_sure, is_again=is_again, context=staff_context())
    except DuplicateSheetError as error:
        return _preview(appeal, form, rows, sheet, duplicate=error), 422
    except UnusualQuantityError as error:
        return _preview(appeal, form, rows, sheet, usual_quantity=error.usual), 422
    counted_rows = _only_counted(appeal, form, sheet)
    to_confirm = len(sheet.rows) - counted_rows
    message = ngettext(
        "%(count)s signer will be asked by mail to confirm.",
        "%(count)s signers will be asked by mail to confirm.",
        to_confirm,
        count=number(to_confirm),
    )
    if not notify_if_waiting(entry_id):
        message = f"{message} {gettext('Counted: %(count)s.', count=number(counted_rows))}"
    flash(message, "success")
    return redirect(url_for("bulk_entries.show", slug=slug), 303)


def _read_typed_rows() -> list[TypedRow]:
    """Return the rows of the form, at most MAX_TYPED."""
    row_count = min(MAX_TYPED, sum(key.startswith("name-") for key in request.form))
    return [
        _row(index + 1, [request.form.get(f"{column}-{index}", "") for column in COLUMNS]) for index in range(row_count)
    ]


def _row(line: int, cells: list[str]) -> TypedRow:
    name, email, country, consent = cells
    return TypedRow(line, name, email, country, consent)


def _read_hidden_rows(text: str) -> list[TypedRow]:
    """Return the rows from the hidden field of the preview; an empty list if it is damaged."""
    try:
        rows = [_row(int(line), [str(cell) for cell in cells]) for line, *cells in json.loads(text)]
    except (ValueError, TypeError):
        return []
    return rows[:MAX_ROWS]


def _empty_rows(count: int, after: int = 0) -> list[TypedRow]:
    return [TypedRow(after + index + 1) for index in range(count)]


def _field_faults(appeal: AppealView, form: SheetForm) -> dict[str, Any]:
    """Return the errors in the fields for the whole sheet."""
    faults: dict[str, Any] = {}
    for name, reader in (
        ("day", lambda text: checked_day(appeal, text)),
        ("place", lambda text: read_line("place", text, PLACE_LENGTH)),
        ("note", lambda text: read_line("note", text, NOTE_LENGTH)),
    ):
        try:
            reader(form[name].data or "")
        except InputError as error:
            faults[name] = FAULTS[error.field, error.code]
    if form.country.data not in COUNTRIES:
        faults["country"] = FAULTS["country", "unknown"]
    if form.language.data not in LOCALES:
        faults["language"] = FAULTS["language", "unknown"]
    return faults


def _page(
    appeal: AppealView,
    form: SheetForm,
    rows: list[TypedRow],
    faults: dict[str, Any] | None = None,
    sheet: CheckedSheet | None = None,
    *,
    is_file: bool = False,
) -> str:
    """Return the form with its rows and errors; `is_file` is set if the errors are those of a file."""
    cell_faults = sheet.faults if sheet is not None else []
    return render_template(
        "staff/offline/paper_sheet.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        form=form,
        rows=rows,
        faults=faults or {},
        cell_errors=[(fault.line, COLUMN_NAMES[fault.column], row_fault(fault)) for fault in cell_faults[:_MAX_LISTED]],
        cells_with_errors={(fault.line, fault.column) for fault in cell_faults} if not is_file else set(),
        unlisted_errors=max(0, len(cell_faults) - _MAX_LISTED),
        is_file=is_file,
        max_rows=MAX_ROWS,
        countries=country_names(current_locale()),
        can_add_rows=len(rows) < MAX_TYPED,
        today=today(),
    )


def _only_counted(appeal: AppealView, form: SheetForm, sheet: CheckedSheet) -> int:
    return count_rows_without_sign_up(appeal.id, sheet, form.language.data or "", now=runtime().clock())


def _preview(
    appeal: AppealView,
    form: SheetForm,
    rows: list[TypedRow],
    sheet: CheckedSheet,
    *,
    duplicate: DuplicateSheetError | None = None,
    usual_quantity: int | None = None,
    skipped_columns: tuple[str, ...] = (),
) -> str:
    """Return the preview; `duplicate` or `usual_quantity` is set if a question has to be answered."""
    filled_rows = [row for row in rows if row.name.strip() or row.email.strip()]
    return render_template(
        "staff/offline/paper_sheet_check.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        form=form,
        sheet=sheet,
        counted_rows=_only_counted(appeal, form, sheet),
        doubts=[(doubt.line, row_fault(doubt)) for doubt in sheet.doubts],
        rows_json=json.dumps(
            [[row.line, row.name, row.email, row.country, row.consent] for row in filled_rows], ensure_ascii=False
        ),
        duplicate=duplicate,
        usual_quantity=usual_quantity,
        skipped_columns=skipped_columns,
        max_unconfirmed=MAX_UNCONFIRMED,
    )
