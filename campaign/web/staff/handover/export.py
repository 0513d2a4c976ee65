"""Taking the own section's signatures out as CSV or XLSX: streamed, with a reason, after proving who one is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Blueprint, Response, render_template, stream_with_context
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField

from campaign.domain.errors import InputError
from campaign.domain.handover.spreadsheet import escape_cell
from campaign.domain.privacy.disclosure import REASON_LENGTH, BudgetError
from campaign.domain.staff.roles import Permission
from campaign.platform.database import row_security
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.handover.signatories import Signatory
from campaign.services.privacy.disclosure import export_signers
from campaign.web.http.locale import current_locale
from campaign.web.staff.handover.spreadsheet import CSV, XLSX
from campaign.web.staff.handover.workbook import stream_workbook
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff.disclosure import USED_UP, reason_fault
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("export", __name__, url_prefix="/appeals/<slug>")
# Rows sent together: fewer calls, and still little memory.
_TOGETHER = 500


class ExportForm(TokenForm):
    """The columns and format of the export, with the reason."""

    reason = StringField()
    updates = BooleanField()
    addresses = BooleanField()
    kind = StringField()


@blueprint.get("/signatures")
@needs(Permission.EDIT, fresh=True)
def show(slug: str) -> ResponseReturnValue:
    """Return the form."""
    return _page(published_appeal(slug), ExportForm(), None)


@blueprint.post("/signatures")
@needs(Permission.EDIT, fresh=True)
def take(slug: str) -> ResponseReturnValue:
    """Return the file; 422 without a reason."""
    appeal, form, at = published_appeal(slug), ExportForm(), runtime()
    what = {"only_with_updates": bool(form.updates.data), "addresses": bool(form.addresses.data)}
    try:
        found = export_signers(appeal.id, appeal.slug, **what, reason=form.reason.data or "", context=staff_context())
    except InputError as error:
        return _page(appeal, form, reason_fault(error)), 422
    except BudgetError:
        return _page(appeal, form, USED_UP), 429
    section, is_book = scope().section, form.kind.data == "xlsx"
    head, rows = as_table(found, addresses=what["addresses"])
    lines = behind_wall(section, stream_workbook(head, rows) if is_book else as_lines(head, rows))
    kind, mime = ("xlsx", XLSX) if is_book else ("csv", CSV)
    named = f'attachment; filename="{appeal.slug}-{section}-signatures-{at.clock():%Y-%m-%d}.{kind}"'
    return Response(stream_with_context(lines), headers={"Content-Type": mime, "Content-Disposition": named})


def behind_wall(section: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same, read as that section: Flask ends a request before its stream begins, and the wall with it."""
    with row_security.section(section):
        yield from lines


def as_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield the CSV (RFC 4180, UTF-8 with the mark that tells Excel so), some hundred rows at a time."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    yield "\ufeff".encode()
    for number, row in enumerate(rows, 1):
        writer.writerow(escape_cell(cell) for cell in row)
        if number % _TOGETHER == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def as_table(found: Iterator[Signatory], *, addresses: bool) -> tuple[list[str], Iterator[list[str]]]:
    """Return the head and the rows, read one by one."""
    head = ["signed_at", "confirmed_at", "name", "email", "country", "language", "updates", "share_name"]
    return head if addresses else [name for name in head if name != "email"], (
        [
            f"{one.signed_at:%Y-%m-%dT%H:00Z}",
            f"{one.confirmed_at:%Y-%m-%dT%H:00Z}" if one.confirmed_at else "",
            one.name,
            *((one.email,) if addresses else ()),
            one.country,
            one.locale,
            "yes" if one.wants_updates else "no",
            "yes" if one.shares_name else "no",
        ]
        for one in found
    )


def _page(appeal: AppealView, form: ExportForm, fault: object) -> str:
    return render_template(
        "staff/handover/export.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        form=form,
        section=own_section(),
        fault=fault,
        most=REASON_LENGTH,
    )
