"""The export of a section's signatures as CSV or XLSX: streamed, with a reason, after a fresh log-in."""

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
# The number of rows sent at once: few calls with little memory.
_ROWS_PER_CHUNK = 500


class ExportForm(TokenForm):
    """The columns and format of the export, with the reason."""

    reason = StringField()
    updates = BooleanField()
    addresses = BooleanField()
    kind = StringField()


@blueprint.get("/signatures")
@needs(Permission.EDIT, fresh=True)
def show(slug: str) -> ResponseReturnValue:
    """Show the form."""
    return _page(published_appeal(slug), ExportForm(), None)


@blueprint.post("/signatures")
@needs(Permission.EDIT, fresh=True)
def download(slug: str) -> ResponseReturnValue:
    """Return the file; 422 without a reason."""
    appeal, form, app_runtime = published_appeal(slug), ExportForm(), runtime()
    columns = {"only_with_updates": bool(form.updates.data), "addresses": bool(form.addresses.data)}
    try:
        signers = export_signers(
            appeal.id, appeal.slug, **columns, reason=form.reason.data or "", context=staff_context()
        )
    except InputError as error:
        return _page(appeal, form, reason_fault(error)), 422
    except BudgetError:
        return _page(appeal, form, USED_UP), 429
    section, is_book = scope().section, form.kind.data == "xlsx"
    head, rows = signer_table(signers, addresses=columns["addresses"])
    lines = in_section(section, stream_workbook(head, rows) if is_book else csv_chunks(head, rows))
    kind, mime = ("xlsx", XLSX) if is_book else ("csv", CSV)
    disposition = f'attachment; filename="{appeal.slug}-{section}-signatures-{app_runtime.clock():%Y-%m-%d}.{kind}"'
    return Response(stream_with_context(lines), headers={"Content-Type": mime, "Content-Disposition": disposition})


def in_section(section: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same chunks with the row security of the section.

    Flask ends the request, and with it the restriction to the section, before it reads a streamed response.
    """
    with row_security.restricted_to_section(section):
        yield from lines


def csv_chunks(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield the CSV (RFC 4180, UTF-8 with a byte order mark for Excel), some hundred rows at a time."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    yield "\ufeff".encode()
    for number, row in enumerate(rows, 1):
        writer.writerow(escape_cell(cell) for cell in row)
        if number % _ROWS_PER_CHUNK == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def signer_table(signers: Iterator[Signatory], *, addresses: bool) -> tuple[list[str], Iterator[list[str]]]:
    """Return the column names and an iterator over the rows, which reads one signer at a time."""
    head = ["signed_at", "confirmed_at", "name", "email", "country", "language", "updates", "share_name"]
    return head if addresses else [name for name in head if name != "email"], (
        [
            f"{signer.signed_at:%Y-%m-%dT%H:00Z}",
            f"{signer.confirmed_at:%Y-%m-%dT%H:00Z}" if signer.confirmed_at else "",
            signer.name,
            *((signer.email,) if addresses else ()),
            signer.country,
            signer.locale,
            "yes" if signer.wants_updates else "no",
            "yes" if signer.shares_name else "no",
        ]
        for signer in signers
    )


def _page(appeal: AppealView, form: ExportForm, fault: object) -> str:
    return render_template(
        "staff/handover/export.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        form=form,
        section=own_section(),
        fault=fault,
        max_length=REASON_LENGTH,
    )
