"""Rows of paper signature sheets, read from a CSV file or a form; each fault has a line, a column and a code.

A row with a valid address and consent becomes a sign-up, which the signer confirms by mail. Others are only counted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from campaign.domain.country import find_country
from campaign.domain.errors import InputError
from campaign.domain.offline.sheet_columns import (
    COLUMNS,
    NAME_PARTS,
    ColumnHeads,
    SheetError,
    column_of,
    normalised,
    read_head,
)
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.name import clean_name

MAX_ROWS = 2000
MAX_BYTES = 1024 * 1024
_MAX_CELL_LENGTH = 1000
# The words for yes and no that people write, and the values that spreadsheet programs store for a ticked cell, in the
# six languages: in lower case, without accents, spaces and punctuation.
_YES = frozenset(
    map(
        normalised,
        """
        y yes yea yep agree agreed iagree yesiagree accept accepted iaccept consent ok okay true t on x × 1 ✓ ✔ √ ☑ ☒ ✅
        🗹 oui o vrai accepte jaccepte accepté acceptée daccord ouijaccepte si s verdadero acepto aceptado aceptada
        deacuerdo estoydeacuerdo conforme siacepto ja j jawohl wahr einverstanden icheinverstanden ichbineinverstanden
        zugestimmt stimmezu ichstimmezu zustimmung einwilligung eingewilligt да д истина согласен согласна
        согласны дасогласен
        дасогласна ясогласен ясогласна نعم صح صحيح صواب موافق موافقة أوافق اوافق نعمأوافق أجل بلى
        """.split(),
    )
)
_NO = frozenset(
    map(
        normalised,
        """
        n no nope false f off 0 ☐ disagree disagreed declined refused none non faux refus refuse refusé refusée falso
        noacepto rechazado nein falsch abgelehnt nichteinverstanden нет н ложь несогласен несогласна لا خطأ خطا كلا
        غيرموافق لاأوافق
        """.split(),
    )
) | {""}
# The first characters of cells that spreadsheet programs evaluate as a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_EMPTY_MARKS = {"-", "–", "—", "/"}
_ADDRESS = re.compile(r"[^\s@]@[\w-]+\.\w")


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row as it was typed. `line` counts from 1: rows of the form, or lines of the file."""

    line: int
    name: str = ""
    email: str = ""
    country: str = ""
    consent: str = ""
    # Whether the line has more cells than the header has columns.
    has_extra_cells: bool = False


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A valid row. `address` is None without an address or without consent to mail."""

    line: int
    name: str
    country: str
    address: Address | None


@dataclass(frozen=True, slots=True)
class CellError:
    """A fault of one cell, as a code; `detail` is the line of the same address, a likelier address, or its ending."""

    line: int
    column: str
    code: str
    detail: str = ""


@dataclass(slots=True)
class CheckedSheet:
    """The result of reading a sheet. A sheet with a fault is refused; a doubt is shown for staff to check."""

    rows: list[CheckedRow] = field(default_factory=list)
    faults: list[CellError] = field(default_factory=list)
    doubts: list[CellError] = field(default_factory=list)

    @property
    def sign_ups(self) -> list[CheckedRow]:
        """Return the rows whose signers are asked by mail to confirm."""
        return [row for row in self.rows if row.address is not None]

    @property
    def content(self) -> str:
        """Return a text that is equal for the same rows in any order."""
        lines = (f"{row.name.casefold()}\t{row.address.identity if row.address else ''}" for row in self.rows)
        return "\n".join(sorted(lines))


def read_csv(data: bytes) -> tuple[list[TypedRow], tuple[str, ...]]:
    """Return the rows of a CSV file with a header, and the headings of the columns that are skipped.

    Commas, semicolons or tabs separate cells. The encoding is UTF-8, or UTF-16 with a byte order mark. The name is in
    one column or in several.

    Raises:
        SheetError: `empty`, `too-large`, `spreadsheet`, `not-utf8`, `binary`, `columns`, `half-name`,
            `address-column`, `too-many-rows` or `quotes`.
    """
    if len(data) > MAX_BYTES:
        raise SheetError("too-large", f"more than {MAX_BYTES} bytes")
    text = _decoded(data)
    if not text.strip():
        raise SheetError("empty", "the file is empty")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        rows: list[TypedRow] = []
        head: ColumnHeads | None = None
        next_line = 1
        for cells in reader:
            line, next_line = next_line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if head is None:
                head = read_head(cells)
                continue
            if "email" not in head.indexes:
                _refuse_addresses(head, cells)
            if len(rows) >= MAX_ROWS:
                raise SheetError("too-many-rows", f"more than {MAX_ROWS} rows")
            rows.append(_row(line, head, cells))
    except csv.Error as error:
        raise SheetError("quotes", f"line {reader.line_num}: {error}", str(reader.line_num)) from error
    if not rows:
        raise SheetError("empty", "the file has a header and no rows")
    return rows, head.skipped if head is not None else ()


def read_rows(rows: Iterable[TypedRow], country: str, locales: tuple[str, ...]) -> CheckedSheet:
    """Return the sheet with every cell checked. A row without a country gets `country`; empty rows are skipped."""
    sheet, line_by_address = CheckedSheet(), dict[str, int]()
    for row in rows:
        if row.has_extra_cells:
            sheet.faults.append(CellError(row.line, "row", "cells"))
        elif row.name.strip() or row.email.strip():
            _check_row(row, country, locales, sheet, line_by_address)
    return sheet


def _check_row(
    row: TypedRow, country: str, locales: tuple[str, ...], sheet: CheckedSheet, line_by_address: dict[str, int]
) -> None:
    """Add the row, or its faults, to the sheet, and its address to `line_by_address`."""
    faults = [CellError(row.line, column, code) for column in COLUMNS if (code := _cell_fault(getattr(row, column)))]
    if faults:
        sheet.faults += faults
        return
    values: dict[str, Any] = {}
    for column, reader in (
        ("name", clean_name),
        ("email", lambda text: parse_address(text) if text else None),
        ("country", lambda text: _country(text, country, locales)),
        ("consent", _is_yes),
    ):
        text = getattr(row, column).strip()
        try:
            values[column] = reader("" if text in _EMPTY_MARKS else text)
        except InputError as error:
            faults.append(CellError(row.line, column, error.code))
    address: Address | None = values.get("email")
    if address is not None:
        first_line = line_by_address.setdefault(address.identity, row.line)
        if first_line != row.line:
            faults.append(CellError(row.line, "email", "repeated", str(first_line)))
        elif address.suggestion:
            sheet.doubts.append(CellError(row.line, "email", "likely", address.suggestion))
        elif not address.has_known_ending:
            sheet.doubts.append(CellError(row.line, "email", "ending", address.domain.rpartition(".")[2]))
        elif address.is_international:
            sheet.doubts.append(CellError(row.line, "email", "international"))
    sheet.faults += faults
    if not faults:
        sheet.rows.append(
            CheckedRow(row.line, values["name"], values["country"], address if values["consent"] else None)
        )


def _cell_fault(cell: str) -> str | None:
    """Return the code for a cell that is refused before it is read: `formula` or `too-long`; else None."""
    if cell.strip() not in _EMPTY_MARKS and cell.startswith(_FORMULA_STARTS):
        return "formula"
    return "too-long" if len(cell.strip()) > _MAX_CELL_LENGTH else None


def _country(text: str, default: str, locales: tuple[str, ...]) -> str:
    """Return the code of the country with that name, or `default` without a text. Raises InputError."""
    code = find_country(text, locales) if text else default
    if code is None:
        raise InputError("country", "unknown", "this is not a country")
    return code


def _is_yes(text: str) -> bool:
    """Return whether the cell of the consent means yes; an empty one means no. Raises InputError for other words."""
    answer = re.sub(r"[\s.,;!'’،؛]+", "", normalised(text))
    if answer not in _YES | _NO:
        raise InputError("consent", "unknown", "neither yes nor no")
    return answer in _YES


def _decoded(data: bytes) -> str:
    """Return the file's text. Raises SheetError (`spreadsheet`, `not-utf8`, `binary`)."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SheetError("spreadsheet", "a spreadsheet program's own file, not CSV")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise SheetError("not-utf8", "neither UTF-8 nor UTF-16") from error
    if b"\0" in data or data.startswith(b"%PDF"):
        raise SheetError("binary", "not a text file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SheetError("not-utf8", f"line {line} is not UTF-8", str(line)) from error


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first line into the most known headings, or into the most cells."""
    head = next(line for line in text.splitlines() if line.strip())

    def known_headings(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([head], delimiter=delimiter), [])
        return sum(column_of(cell) is not None for cell in cells), head.count(delimiter)

    return max(",;\t", key=known_headings)


def _row(line: int, head: ColumnHeads, cells: list[str]) -> TypedRow:
    """Return the row of a line's cells, with the parts of the name joined."""
    values = {column: cells[index] if index < len(cells) else "" for column, index in head.indexes.items()}
    parts = [values.pop(part, "").strip() for part in NAME_PARTS]
    name = values.pop("name", "") or " ".join(part for part in parts if part)
    # A part that spreadsheet programs would evaluate becomes the name, so that it is refused like any other formula.
    formula = next((part for part in parts if _cell_fault(part) == "formula"), None)
    return TypedRow(line, formula or name, **values, has_extra_cells=any(cell.strip() for cell in cells[head.width :]))


def _refuse_addresses(head: ColumnHeads, cells: list[str]) -> None:
    """Raise SheetError if an unknown column of a file without a column for addresses contains an address."""
    for index, heading in head.unknown_headings.items():
        if index < len(cells) and _ADDRESS.search(cells[index]):
            raise SheetError("address-column", "a column that is not known holds addresses", heading)
