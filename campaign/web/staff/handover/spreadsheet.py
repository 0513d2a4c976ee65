"""Tables as CSV or XLSX files in which no spreadsheet program reads a cell as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import xlsxwriter
from flask import Response

from campaign.domain.handover.spreadsheet import escape_cell

Cell = str | int | float | date | datetime | None
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file_response(kind: str, name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Return the table as a file to save; `kind` is `csv` or `xlsx`."""
    content, mime = (as_csv(head, rows), CSV) if kind == "csv" else (as_xlsx(head, rows), XLSX)
    return Response(
        content, headers={"Content-Type": mime, "Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    )


def as_csv(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the table as CSV (RFC 4180) in UTF-8, with a byte order mark for Excel."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_cell(cell) for cell in head)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return "\ufeff".encode() + text.getvalue().encode()


def as_xlsx(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the table as an XLSX file of one sheet with a fixed bold head; cells are never formulas or links."""
    content = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_date_format": "yyyy-mm-dd hh:mm",
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(content, options) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, head, bold)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, row)
        sheet.autofit()
    return content.getvalue()


def _cell(value: Cell) -> Cell:
    return escape_cell(value) if isinstance(value, str) else value
