"""Exports of signatures: their rows and columns, and their entry in the audit log."""

from __future__ import annotations

import csv
import io
import re
import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select, update

from campaign.domain.handover.spreadsheet import escape_cell, unescape_cell
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, Signature, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.handover.handover import make_handover, queue_handover
from tests.conftest import context
from tests.signing.signatures import sign_numbered
from tests.staff.staff_clients import csrf, staff_client

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def exported_rows(desk: FlaskClient, appeal: AppealView, **changes: str) -> list[dict[str, str]]:
    path = f"/staff/appeals/{appeal.slug}/signatures"
    data = {"reason": "For the meeting in May", "csrf_token": csrf(desk.get(path)), **changes}
    answer = desk.post(path, data=data)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


_texts = st.lists(st.one_of(st.sampled_from((*FORMULAS, "'", "''", ";", ",", '"')), st.text()), max_size=8).map("".join)


@given(_texts)
def test_a_cell_is_never_a_formula_and_reads_back_exactly(text: str) -> None:
    cell = escape_cell(text)
    assert not cell.startswith(FORMULAS)
    # Also in programs that separate cells by semicolons and ignore the quotes around this cell.
    assert not [part for part in re.split("[;\t\r\n]", cell) if part.startswith(FORMULAS)]
    assert unescape_cell(cell) == text
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell, "next"])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [cell, "next"]


def test_an_export_holds_the_confirmed_signatures_of_the_own_section(app: Flask, appeal: AppealView) -> None:
    sign_numbered(appeal, "=Ana", 1, shares=True)
    sign_numbered(appeal, "'t Hooft", 2)
    sign_numbered(appeal, "Canary", 3, "be-nl")
    desk = staff_client(app, Role.EDITOR)
    exported = exported_rows(desk, appeal)
    assert [unescape_cell(row["name"]) for row in exported] == ["=Ana", "'t Hooft"]
    assert [row["name"][0] for row in exported] == ["'", "'"]
    assert [row["share_name"] for row in exported] == ["yes", "no"]
    assert exported[0]["confirmed_at"] == "2026-03-01T12:00Z"
    assert "email" not in exported[0]
    assert [row["email"] for row in exported_rows(desk, appeal, addresses="y", updates="y")] == ["p2@mail.example"]


def test_a_workbook_holds_the_same_rows_as_csv(app: Flask, appeal: AppealView) -> None:
    for number, name in enumerate(("=HYPERLINK(1)", "'t Hooft", "Łucja <b> & Co", "王小明"), 1):
        sign_numbered(appeal, name, number, shares=True)
    path = f"/staff/appeals/{appeal.slug}/signatures"
    desk = staff_client(app, Role.EDITOR)
    data = {"reason": "For the meeting in May", "csrf_token": csrf(desk.get(path)), "addresses": "y", "kind": "xlsx"}
    answer = desk.post(path, data=data)
    assert str(answer.headers["Content-Disposition"]).endswith('-signatures-2026-03-01.xlsx"')
    assert str(answer.mimetype).endswith("spreadsheetml.sheet")
    head, *cells = load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)
    csv_rows = exported_rows(desk, appeal, addresses="y")
    assert list(head) == list(csv_rows[0])
    assert [[cell or "" for cell in row] for row in cells] == [
        [unescape_cell(cell) for cell in row.values()] for row in csv_rows
    ]
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}


def test_the_names_of_a_handover_can_be_downloaded_as_a_workbook(app: Flask, appeal: AppealView) -> None:
    sign_numbered(appeal, "=Ana", 1, shares=True)
    sign_numbered(appeal, "Bob Quietly", 2)
    desk, app_runtime = staff_client(app, Role.EDITOR), runtime()
    staff_id = db.session.scalars(select(Staff.id)).one()
    scope = Scope(staff_id, Role.EDITOR, "fr")
    number = queue_handover(
        appeal,
        language="en",
        target=1,
        reason="For the meeting in May",
        context=context(app_runtime.clock(), staff_actor(scope)),
    )
    assert make_handover(number, clock=app_runtime.clock, context=context(app_runtime.clock()), volume_size=3)
    page = desk.get(f"/staff/appeals/{appeal.slug}/handovers").text
    (path,) = re.findall(r'href="([^"]+-names\.xlsx)"', page)
    book = load_workbook(io.BytesIO(desk.get(path).data)).active
    cells = [list(row) for row in book.iter_rows(values_only=True)]
    assert cells == [["number", "name", "country"], ["1", "=Ana", "FR"]]
    assert desk.get(path.replace("-names.xlsx", ".xlsx")).status_code == 404


def test_an_export_without_a_reason_is_refused(app: Flask, appeal: AppealView) -> None:
    desk = staff_client(app, Role.EDITOR)
    path = f"/staff/appeals/{appeal.slug}/signatures"
    token = csrf(desk.get(path))
    for reason in ("", "  a ", "x" * 501):
        answer = desk.post(path, data={"reason": reason, "addresses": "y", "csrf_token": token})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert 'name="addresses" value="y" checked' in answer.text


def test_an_export_is_logged_with_its_reason_and_without_addresses(app: Flask, appeal: AppealView) -> None:
    sign_numbered(appeal, "Ana", 1)
    exported_rows(staff_client(app, Role.EDITOR), appeal, reason="asked by ana@mail.example", addresses="y")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "signatures.export")).one()
    assert (entry.subject, entry.section_code, entry.reason) == (f"appeal:{appeal.slug}", "fr", "asked by […]")
    assert entry.after == {"only_with_updates": False, "addresses": True}
    assert entry.staff_id is not None


def test_an_export_asks_for_the_password_again(app: Flask, appeal: AppealView, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = staff_client(app, Role.EDITOR)
    path = f"/staff/appeals/{appeal.slug}/signatures"
    token = csrf(desk.get(path))
    monkeypatch.setattr("campaign.web.staff.staff.access.time", lambda: time.time() + 16 * 60)
    assert desk.get(path).location.startswith("/staff/verify")
    answer = desk.post(path, data={"reason": "For the meeting", "csrf_token": token})
    assert answer.location.startswith("/staff/verify")
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.act == "signatures.export")).all() == []


def test_a_value_that_no_key_opens_is_exported_empty(app: Flask, appeal: AppealView) -> None:
    first = sign_numbered(appeal, "Ana", 1)
    sign_numbered(appeal, "Bob", 2)
    with transaction() as session:
        session.execute(update(Signature).where(Signature.id == first).values(name_sealed=b"lost"))
    assert [row["name"] for row in exported_rows(staff_client(app, Role.EDITOR), appeal)] == ["", "Bob"]
