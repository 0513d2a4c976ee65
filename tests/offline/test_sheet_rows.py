"""Rows of paper sheets: the accepted files, and the fault of each invalid cell."""

from __future__ import annotations

import pytest

from campaign.config import LOCALES
from campaign.domain.offline.paper_sheet import MAX_BYTES, MAX_ROWS, CheckedSheet, TypedRow, read_csv, read_rows
from campaign.domain.offline.sheet_columns import SheetError

HEADINGS = "name,email,country,consent\n"


def read_text(text: str) -> CheckedSheet:
    return read_rows(read_csv((HEADINGS + text).encode())[0], "FR", LOCALES)


def faults(text: str) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, fault.code) for fault in read_text(text).faults]


def test_only_a_row_with_address_and_consent_is_signed_up() -> None:
    sheet = read_text("Ana Ruiz,ana@mail.example,FR,y\nJean Martin,,,\nEva Lind,eva@mail.example,,n\n")
    assert [str(row.address) if row.address else None for row in sheet.rows] == ["ana@mail.example", None, None]
    assert (len(sheet.sign_ups), len(sheet.rows) - len(sheet.sign_ups), sheet.faults) == (1, 2, [])
    assert [row.country for row in sheet.rows] == ["FR", "FR", "FR"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_spreadsheets_are_read(delimiter: str, encoding: str) -> None:
    lines = ["Nom", "Adresse e-mail", "Pays", "Accord"], ["Renée Ångström", "r@mail.example", "Belgique", "oui"]
    data = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    (row,) = read_rows(read_csv(data)[0], "FR", LOCALES).rows
    assert (row.name, row.country, str(row.address), row.line) == ("Renée Ångström", "BE", "r@mail.example", 2)


def test_countries_are_read_by_code_or_name_in_any_language() -> None:
    sheet = read_text(
        "A B,,de,\nA C,,Deutschland,\nA D,,ألمانيا,\nA E,,Германия,\nA F,,Cote d'Ivoire,\n".replace("'", "’")
    )
    assert [row.country for row in sheet.rows] == ["DE", "DE", "DE", "DE", "CI"]


def test_each_invalid_cell_is_named_by_line_column_and_reason() -> None:
    text = "\n".join(
        [
            "Ana,not an address,FR,y",
            ",eva@mail.example,FR,y",
            "=HYPERLINK(1),a@mail.example,FR,y",
            "Jo,+4912345,FR,y",
            "Li,li@mail.example,Atlantis,perhaps",
            '"two',
            'lines",x@mail.example,FR,y',
            "Twice,ANA@mail.example,FR,y",
            "Twice,ana@mail.example,FR,y",
            "12345,,,",
            "More,m@mail.example,FR,y,surplus",
            "See www.evil.example,,,",
            "x" * 201 + ",,,",
        ]
    )
    assert faults(text) == [
        (2, "email", "not-an-address"),
        (3, "name", "missing"),
        (4, "name", "formula"),
        (5, "email", "formula"),
        (6, "country", "unknown"),
        (6, "consent", "unknown"),
        (10, "email", "repeated"),
        (11, "name", "no-letters"),
        (12, "row", "cells"),
        (13, "name", "link"),
        (14, "name", "too-long"),
    ]


def test_a_likely_typing_error_in_the_domain_is_a_doubt() -> None:
    sheet = read_text("Ana,ana@gmial.com,FR,y\n")
    assert ([doubt.detail for doubt in sheet.doubts], len(sheet.sign_ups)) == (["ana@gmail.com"], 1)


def test_an_unknown_ending_and_letters_that_few_servers_carry_are_doubts() -> None:
    sheet = read_text("Ana,ana@amnesty.orgg,FR,y\nJo,jé@mail.example,FR,y\n")
    assert [(doubt.line, doubt.code, doubt.detail) for doubt in sheet.doubts] == [
        (2, "ending", "orgg"),
        (3, "international", ""),
    ]
    assert (len(sheet.sign_ups), sheet.faults) == (2, [])


def test_a_dash_is_an_empty_cell() -> None:
    sheet = read_text("Ana,-,–,-\n")
    assert (len(sheet.rows) - len(sheet.sign_ups), sheet.faults) == (1, [])


@pytest.mark.parametrize(
    ("data", "code", "detail"),
    [
        (b"", "empty", ""),
        (b" \n \n", "empty", ""),
        (HEADINGS.encode(), "empty", ""),
        (b"x" * (MAX_BYTES + 1), "too-large", ""),
        (b"PK\x03\x04rest of a workbook", "spreadsheet", ""),
        (b"\xd0\xcf\x11\xe0old workbook", "spreadsheet", ""),
        (b"%PDF-1.7", "binary", ""),
        (b"name\nA\0B", "binary", ""),
        (HEADINGS.encode() + "Ana,,,\nRen\u00e9e,,,\n".encode("latin-1"), "not-utf8", "3"),
        (b"\xff\xfea", "not-utf8", ""),
        (b"street,town\nA,B\n", "columns", "street"),
        (b"first name,first name\nA,B\n", "columns", "first name"),
        (b"name,name\nA,B\n", "columns", "name"),
        (b"email\na@mail.example\n", "columns", "name"),
        (b"Ana,ana@mail.example,FR,y\n", "columns", "Ana"),
        (HEADINGS.encode() + b'"never closed,,,\n', "quotes", "2"),
        (HEADINGS.encode() + b"A,,,\n" * (MAX_ROWS + 1), "too-many-rows", ""),
    ],
)
def test_an_unreadable_file_is_refused(data: bytes, code: str, detail: str) -> None:
    with pytest.raises(SheetError) as error:
        read_csv(data)
    assert (error.value.code, error.value.detail) == (code, detail)


YES_ANSWERS = (
    *("y", "Yes", "TRUE", "x", "1", "✓", "✔️", "☑"),
    *("oui", "Oui.", "VRAI", "o", "sí", "Si", "VERDADERO", "ja", "Ja!", "WAHR", "да", "ИСТИНА", "نعم", "صحيح"),
)
NO_ANSWERS = ("n", "No", "FALSE", "0", "", "non", "FAUX", "FALSO", "nein", "FALSCH", "нет", "ЛОЖЬ", "لا", "خطأ")


@pytest.mark.parametrize(("answers", "is_yes"), [(YES_ANSWERS, True), (NO_ANSWERS, False)])
def test_yes_and_no_are_read_in_every_language_of_the_pages(answers: tuple[str, ...], is_yes: bool) -> None:
    for answer in answers:
        sheet = read_text(f"Ana Ruiz,ana@mail.example,FR,{answer}\n")
        assert sheet.faults == [], answer
        assert bool(sheet.sign_ups) is is_yes, answer


@pytest.mark.parametrize(
    "head",
    [
        *("first name;last name", "Given Name;Surname", "prénom;nom", "Prénom;Nom de famille", "nombre;apellidos"),
        *("Vorname;Nachname", "Vorname;Name", "имя;фамилия", "الاسم;اسم العائلة"),
    ],
)
def test_a_name_in_two_columns_is_joined(head: str) -> None:
    turned = ";".join(reversed(head.split(";")))
    for columns, cells in ((head, "Ana María;Ruiz Vega"), (turned, "Ruiz Vega;Ana María")):
        rows, skipped = read_csv(f"{columns};email\n{cells};\nEva;;\n".encode())
        assert skipped == ()
        assert rows[0].name == "Ana María Ruiz Vega", columns
        assert (rows[1].name, rows[1].has_extra_cells) == ("Eva", False)
    (row,), _ = read_csv(f"{head}\nAna;=HYPERLINK(1)\n".encode())
    assert [fault.code for fault in read_rows([row], "FR", LOCALES).faults] == ["formula"]


def test_further_columns_are_skipped_and_named() -> None:
    data = "No.,Name,Street  and town,E-mail,Country,,Consent,Phone\n1,Ana,Main Street 1,a@mail.example,FR,,yes,+331\n"
    rows, skipped = read_csv(data.encode())
    assert skipped == ("No.", "Street and town", "Phone")
    sheet = read_rows(rows, "FR", LOCALES)
    assert (len(sheet.sign_ups), sheet.faults) == (1, [])
    (surplus,), _ = read_csv((data.splitlines()[0] + "\n1,Ana,,,,,,,surplus\n").encode())
    assert surplus.has_extra_cells


def test_the_same_rows_in_another_order_have_the_same_content() -> None:
    rows = [TypedRow(1, "Ana", "ana@mail.example", "", "y"), TypedRow(2, "Jo")]
    assert read_rows(rows, "FR", LOCALES).content == read_rows(rows[::-1], "FR", LOCALES).content
    assert read_rows(rows[:1], "FR", LOCALES).content != read_rows(rows, "FR", LOCALES).content
