"""Paper signature sheets: printed, entered or uploaded as CSV, previewed, stored; signers confirm as on the site."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.config import LOCALES
from campaign.domain.offline.paper_sheet import TypedRow, read_rows
from campaign.domain.privacy.erasure_journal import Erasure, ErasureKind
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import BulkEntry, Mail, SheetRow, Signature, SignUp
from campaign.platform import Model, db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.signing.sign_up import origin_of
from campaign.services.appeals.lifecycle import close
from campaign.services.counting.verify import verify_counts
from campaign.services.offline.paper_sheet import (
    DuplicateSheetError,
    SheetEntry,
    enter_sheet,
    sign_sheet_rows,
)
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.privacy.erasure_journal import replay
from tests.conftest import DAY, START, Clock, Postbox, confirm_at, context, count_rows, form, manage_token
from tests.offline.sheets import (
    SHEET_FIELDS,
    enter_rows,
    hidden_fields,
    post_sheet,
    sheet_path,
    sign_waiting_rows,
    typed_rows,
)
from tests.staff.staff_clients import csrf, join_staff, log_in_later, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

ROWS = [
    ["Ana Ruiz", "ana@mail.example", "", "y"],
    ["Jo Smit", "jo@mail.example", "BE", "y"],
    ["Eva Lind", "eva@mail.example", "", ""],
    ["Jean Martin", "", "", ""],
]


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    """Return the browser of a French editor, who may enter sheets."""
    return staff_client(app, Role.EDITOR)


def test_nothing_is_stored_before_the_preview_is_confirmed(editor: FlaskClient, appeal: AppealView) -> None:
    shown = post_sheet(editor, appeal, "", typed_rows(ROWS))
    assert shown.status_code == 200
    assert "Is this right?" in shown.text
    assert "ana@mail.example" in shown.text
    assert "eva@mail.example" not in shown.text.partition("<form")[0]
    assert (count_rows(BulkEntry), count_rows(SheetRow)) == (0, 0)


def test_rows_with_consent_get_a_confirmation_mail_and_others_are_counted(
    editor: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    assert counts(appeal.id).by_evidence == {"verified": 0, "reported": 0, "bulk": 2}
    db.session.rollback()
    assert "2 of them in a moment" in editor.get(f"/staff/appeals/{appeal.slug}/bulk-entries").text
    sign_waiting_rows()
    assert count_rows(SheetRow) == 0
    waiting = [(one.section_code, origin_of(one, runtime().vault)[1]) for one in db.session.scalars(select(SignUp))]
    # The country decides the section, as on the site; the source names the section that collected the sheet.
    assert sorted(waiting) == [("be-fr", "paper-fr"), ("fr", "paper-fr")]
    db.session.rollback()
    deliver()
    assert sorted(postbox.recipients) == ["ana@mail.example", "editor.fr@staff.example", "jo@mail.example"]
    for row_id in db.session.scalars(select(SignUp.id)).all():
        db.session.rollback()
        confirm_at(row_id, runtime().clock())
    assert counts(appeal.id).by_evidence == {"verified": 2, "reported": 0, "bulk": 2}
    assert verify_counts() == []


def test_earlier_signers_get_the_same_mail_as_from_the_site_and_staff_see_no_difference(
    app: Flask, client: FlaskClient, editor: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for email, country in (("ana@mail.example", "BE"), ("jo@mail.example", "FR")):
        client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email=email, country=country))
    deliver()
    assert client.post(postbox.link(postbox.recipients.index("ana@mail.example"))).status_code == 303
    answer = enter_rows(editor, appeal, ROWS)
    assert answer.status_code == 303
    sign_waiting_rows()
    assert count_rows(Signature) == 1, "the confirmed signature"
    assert count_rows(SignUp) == 4, "each form has its own row, also from paper"
    assert counts(appeal.id).signatures == 1
    assert verify_counts() == []


def test_a_mailbox_is_not_flooded(editor: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    for number in range(6):
        rows = [["Ana Ruiz", "ana@mail.example", "", "y"], [f"Other {chr(65 + number)}", "", "", ""]]
        assert enter_rows(editor, appeal, rows).status_code == 303
    sign_waiting_rows()
    deliver()
    assert postbox.recipients.count("ana@mail.example") == 1, "an equal form gets no further mail"
    rows = [["Ana Ruiz", f"ana+{number}@mail.example", "", "y"] for number in range(6)]
    assert enter_rows(editor, appeal, rows).status_code == 303
    sign_waiting_rows()
    deliver()
    # The mailbox limit applies to every spelling of the address.
    assert len([recipient for recipient in postbox.recipients if recipient.startswith("ana")]) == 3


def test_a_killed_worker_signs_no_row_up_twice(
    editor: FlaskClient, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter_rows(editor, appeal, ROWS)
    app_runtime = runtime()
    with monkeypatch.context() as patched:
        patched.setattr("campaign.services.offline.paper_sheet.delete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sign_sheet_rows(
                context=context(app_runtime.clock()), target_mailboxes=TargetMailboxes(app_runtime.settings)
            )
    assert (count_rows(SignUp), count_rows(SheetRow)) == (0, 2)
    sign_waiting_rows()
    assert (count_rows(SignUp), count_rows(Mail)) == (2, 3), "two signers and the editor's invitation"
    assert count_rows(Signature) == 0, "none before the confirmation"


def test_rows_that_became_too_late_are_counted(editor: FlaskClient, appeal: AppealView, clock: Clock) -> None:
    enter_rows(editor, appeal, ROWS)
    close(appeal.slug, context=context(clock.now))
    sign_waiting_rows()
    assert counts(appeal.id).by_evidence == {"verified": 0, "reported": 0, "bulk": 4}
    assert (count_rows(SignUp), count_rows(Signature)) == (0, 0)
    assert verify_counts() == []


def test_undoing_deletes_the_waiting_rows(editor: FlaskClient, appeal: AppealView) -> None:
    enter_rows(editor, appeal, ROWS)
    entry = db.session.scalars(select(BulkEntry.id)).one()
    db.session.rollback()
    token = csrf(editor.get(f"/staff/appeals/{appeal.slug}/bulk-entries"))
    editor.post(f"/staff/appeals/{appeal.slug}/bulk-entries/{entry}/undo", data={"csrf_token": token})
    assert count_rows(SheetRow) == 0
    assert counts(appeal.id).total == 0
    assert verify_counts() == []


def test_a_repeated_sheet_needs_a_confirmation(editor: FlaskClient, appeal: AppealView) -> None:
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    again = enter_rows(editor, appeal, ROWS[::-1])
    assert again.status_code == 422
    assert "exactly these rows was entered on" in again.text
    assert count_rows(BulkEntry) == 1
    assert enter_rows(editor, appeal, ROWS, again="y").status_code == 303
    assert count_rows(BulkEntry) == 2


def test_each_invalid_cell_is_named_and_typed_values_stay(editor: FlaskClient, appeal: AppealView) -> None:
    rows = [*ROWS, ["", "lost@mail.example", "", "y"], ["=1+1", "", "Atlantis", ""]]
    answer = post_sheet(editor, appeal, "", typed_rows(rows, day="2027-01-01"))
    assert answer.status_code == 422
    for said in ("Please write your name", "looks like a formula", "yet to come"):
        assert said in answer.text
    assert 'value="ana@mail.example"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 4  # both forms have the day
    assert count_rows(BulkEntry) == 0


def test_adding_rows_keeps_typed_values(editor: FlaskClient, appeal: AppealView) -> None:
    answer = post_sheet(editor, appeal, "", typed_rows(ROWS) | {"more": "y"})
    assert answer.status_code == 200
    assert 'name="name-28"' in answer.text
    assert 'name="name-29"' not in answer.text
    assert 'value="jo@mail.example"' in answer.text


def test_going_back_from_the_preview_keeps_the_rows(editor: FlaskClient, appeal: AppealView) -> None:
    carried = hidden_fields(post_sheet(editor, appeal, "", typed_rows(ROWS)))
    answer = editor.post(sheet_path(appeal, "/rows"), data=carried)
    assert answer.status_code == 200
    assert 'value="jo@mail.example"' in answer.text


def test_a_csv_file_is_previewed_and_stored(editor: FlaskClient, appeal: AppealView) -> None:
    text = "nom;courriel;pays;accord\nRenée Åström;r@mail.example;Belgique;oui\nLi;;;\n"
    shown = post_sheet(editor, appeal, "/file", {**SHEET_FIELDS, "file": (io.BytesIO(text.encode()), "rows.csv")})
    assert shown.status_code == 200
    assert "Renée Åström" in shown.text
    assert editor.post(sheet_path(appeal, "/save"), data=hidden_fields(shown)).status_code == 303
    entry = db.session.scalars(select(BulkEntry)).one()
    assert (entry.quantity, entry.sign_ups) == (1, 1)
    db.session.rollback()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name,email\nAna,nowhere\n", "does not look like an e-mail address"),
        (b"street,town\nAna,Ruiz\n", "name the columns"),
        ("name\nRenée\n".encode("latin-1"), "not in UTF-8 (line 2)"),
        (b"PK\x03\x04", "save it as CSV"),
        (b"", "no row in it"),
        (b"name\n" + b"Ana\n" * 2001, "Too many rows"),
    ],
)
def test_an_invalid_file_is_refused_with_the_reason(
    editor: FlaskClient, appeal: AppealView, data: bytes, said: str
) -> None:
    answer = post_sheet(editor, appeal, "/file", {**SHEET_FIELDS, "file": (io.BytesIO(data), "rows.csv")})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Lyon"' in answer.text
    assert count_rows(BulkEntry) == 0


def test_further_columns_of_a_file_are_skipped_and_named(editor: FlaskClient, appeal: AppealView) -> None:
    text = "Nr;Vorname;Name;E-Mail;Straße;Einwilligung\n1;Ana;Ruiz Vega;ana@mail.example;Weg 1;WAHR\n"
    shown = post_sheet(editor, appeal, "/file", {**SHEET_FIELDS, "file": (io.BytesIO(text.encode()), "rows.csv")})
    assert shown.status_code == 200
    assert "Ana Ruiz Vega" in shown.text
    assert "These columns were not read: Nr, Straße." in shown.text
    assert editor.post(sheet_path(appeal, "/save"), data=hidden_fields(shown)).status_code == 303
    entry = db.session.scalars(select(BulkEntry)).one()
    assert (entry.quantity, entry.sign_ups) == (0, 1)
    db.session.rollback()


def send_file(browser: FlaskClient, appeal: AppealView, content: bytes) -> TestResponse:
    """Upload the file with an encoded body, because the test client leaves its temporary file of a large body open."""
    fields = {**SHEET_FIELDS, "csrf_token": csrf(browser.get(sheet_path(appeal)))}
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    file = 'Content-Disposition: form-data; name="file"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\n'
    body = "".join(f"--edge\r\n{part}\r\n" for part in parts).encode()
    body += b"--edge\r\n" + file.encode() + content + b"\r\n--edge--\r\n"
    return browser.post(sheet_path(appeal, "/file"), data=body, content_type="multipart/form-data; boundary=edge")


def test_no_file_and_a_huge_one_are_refused(editor: FlaskClient, appeal: AppealView) -> None:
    assert post_sheet(editor, appeal, "/file", SHEET_FIELDS).status_code == 422
    huge = send_file(editor, appeal, b"x" * 3_000_000)
    assert huge.status_code == 413
    assert "Nothing was saved" in huge.text
    large = send_file(editor, appeal, b"x" * (1024 * 1024 + 1))
    assert large.status_code == 422
    assert "too large" in large.text


def test_an_erased_signers_waiting_row_is_not_signed_up(
    app: Flask, client: FlaskClient, editor: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="ana@mail.example"))
    deliver()
    client.post(postbox.link(postbox.recipients.index("ana@mail.example")))
    me = f"/en/m/{manage_token(db.session.scalars(select(Signature.id)).one())}/me"
    report = [*map(str.strip, app.test_cli_runner().invoke(args=["privacy", "report"]).output.split("\n"))]
    assert (
        "rows: 0" in report[report.index("rows of paper sheets that wait to be signed up: name, address, country") + 1]
    )
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    # On SQLite the reads above would hide the rows.
    db.session.rollback()
    data = json.loads(app.test_cli_runner().invoke(args=["privacy", "report", "--json"]).output)
    (paper,) = [one for one in data if one["what"].startswith("rows of paper")]
    assert (paper["rows"], paper["overdue"]) == (count_rows(SheetRow), 0) == (2, 0)
    assert "You also signed on paper" in client.get(me).text
    (own,) = json.loads(client.get(f"{me}.json").text)["paper"]
    assert (own["appeal"], own["name"], own["country"]) == (appeal.slug, ROWS[0][0], "FR")
    before = count_rows(SheetRow)
    client.post(me, data={"do": "erase", "signature": "all"})
    assert count_rows(SheetRow) == before - 1
    assert "You also signed on paper" not in client.get(me).text
    sign_waiting_rows()
    digest = runtime().vault.address_digest(appeal.id, parse_address("ana@mail.example"))
    assert db.session.scalars(select(Signature.id).where(Signature.address_digest == digest)).first() is None
    db.session.rollback()


def test_a_waiting_row_has_no_value_in_common_with_other_rows_of_its_address(
    client: FlaskClient, editor: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    """Attack: enter an address, copy the tables while its row waits, and search them for an equal value."""
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="ana@mail.example"))
    deliver()
    client.post(postbox.link(postbox.recipients.index("ana@mail.example")))
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="ana@mail.example"))
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    values: dict[str, set[bytes]] = {}
    for table in Model.metadata.sorted_tables:
        cells = {cell for row in db.session.execute(select(table)) for cell in row if isinstance(cell, bytes)}
        values[table.name] = {cell for cell in cells if len(cell) >= 16}
    db.session.rollback()
    mine = values.pop("sheet_row")
    assert len(mine) >= 6
    assert values["signature"]
    assert {name: found & mine for name, found in values.items() if found & mine} == {}


@pytest.mark.slow
def test_a_sheet_sent_twice_at_once_is_entered_once(app: Flask, appeal: AppealView) -> None:
    scope = Scope(join_staff(app, "e@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    rows = [TypedRow(number + 1, f"Signer {chr(65 + number)}", "", "FR", "") for number in range(20)]
    entered = SheetEntry(read_rows(rows, "FR", LOCALES), START.date(), "Stall", "", "en")
    barrier = threading.Barrier(4)

    def send(_number: int) -> bool:
        with app.app_context():
            barrier.wait(20)
            try:
                enter_sheet(
                    appeal.slug, entered, context=context(START, staff_actor(scope)), is_sure=False, is_again=False
                )
            except DuplicateSheetError:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == 1
    assert counts(appeal.id).by_evidence["bulk"] == 20
    db.session.rollback()


def test_restored_rows_of_erased_signers_are_deleted(editor: FlaskClient, appeal: AppealView, clock: Clock) -> None:
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    vault, before = runtime().vault, count_rows(SheetRow)
    digest = vault.journal_digest(vault.address_digest(appeal.id, parse_address("ana@mail.example")))

    def erasure_at(at: datetime) -> Erasure:
        return Erasure(ErasureKind.ERASED, appeal.id, digest, at, at)

    replay([erasure_at(clock.now - timedelta(seconds=1))], context=context())
    assert count_rows(SheetRow) == before, "a row entered after the erasure stays"
    replay([erasure_at(clock.now)], context=context())
    assert count_rows(SheetRow) == before - 1


def test_rows_that_wait_longer_than_a_day_are_reported(
    app: Flask, editor: FlaskClient, appeal: AppealView, clock: Clock
) -> None:
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    clock.now += timedelta(days=1, seconds=1)
    result = app.test_cli_runner().invoke(args=["privacy", "report"])
    assert (result.exit_code, f"{count_rows(SheetRow)} TOO LONG" in result.output) == (1, True)


@pytest.mark.slow
def test_two_thousand_rows_fit_through_the_preview(editor: FlaskClient, appeal: AppealView) -> None:
    lines = "".join(f"Person {'abcdefghij'[n % 10] * 60} {'abcd'[n % 4]},p{n}@mail.example,FR,y\n" for n in range(2000))
    text = "name,email,country,consent\n" + lines
    shown = post_sheet(editor, appeal, "/file", {**SHEET_FIELDS, "file": (io.BytesIO(text.encode()), "rows.csv")})
    assert shown.status_code == 200
    assert editor.post(sheet_path(appeal, "/save"), data=hidden_fields(shown)).status_code == 303
    assert count_rows(SheetRow) == 2000


def test_a_changed_preview_is_checked_again(editor: FlaskClient, appeal: AppealView) -> None:
    carried = hidden_fields(post_sheet(editor, appeal, "", typed_rows(ROWS)))
    for rows in ("not json", json.dumps([[1, "x"]]), json.dumps([[1, "=1", "", "", ""]]), json.dumps({"a": 1}), "[]"):
        assert editor.post(sheet_path(appeal, "/save"), data={**carried, "rows": rows}).status_code == 422
    assert editor.post(sheet_path(appeal, "/save"), data={**carried, "country": "ZZ"}).status_code == 422
    assert count_rows(BulkEntry) == 0


def test_a_sheet_of_another_section_is_not_recognised(app: Flask, editor: FlaskClient, appeal: AppealView) -> None:
    other = staff_client(app, Role.EDITOR, "be-nl")
    assert enter_rows(other, appeal, ROWS).status_code == 303
    # The same rows are not reported as repeated, because a section must not learn the entries of another.
    assert enter_rows(editor, appeal, ROWS).status_code == 303
    assert counts(appeal.id).by_section["be-nl"].total == 2


def test_the_printed_sheet_has_the_case_the_columns_and_a_qr_code_with_source(
    editor: FlaskClient, appeal: AppealView
) -> None:
    answer = editor.get(sheet_path(appeal, "/print.pdf?lang=fr"))
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    (page,) = PdfReader(io.BytesIO(answer.data)).pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    said = page.extract_text()
    for words in ("TEACHER THREATENED", "/fr/appeals/ana-ruiz-vega?via=paper-fr", "fr@sections.example"):
        assert words in said.replace("\n", " ") or words in said.replace("\n", "")
    own = editor.get(sheet_path(appeal, "/print.pdf?via=stall-lyon"))
    assert "via=stall-lyon" in PdfReader(io.BytesIO(own.data)).pages[0].extract_text().replace("\n", "")
    assert editor.get(sheet_path(appeal, "/print.pdf?lang=xx")).status_code == 404


def test_a_long_case_still_fits_on_one_page(editor: FlaskClient, appeal: AppealView, clock: Clock) -> None:
    for language in ("en", "de", "es", "ru"):
        answer = editor.get(sheet_path(appeal, f"/print.pdf?lang={language}"))
        assert len(PdfReader(io.BytesIO(answer.data)).pages) == 1, language


def test_sheets_entered_after_the_end_are_only_counted(
    app: Flask, editor: FlaskClient, appeal: AppealView, clock: Clock
) -> None:
    clock.now += 60 * DAY
    log_in_later(app, "editor.fr@staff.example", editor)
    enter_rows(editor, appeal, ROWS)
    sign_waiting_rows()
    assert counts(appeal.id).by_evidence["bulk"] == 4
