"""Paper sheets as staff enter them in a browser."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.offline.paper_sheet import has_waiting_rows, sign_sheet_rows
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from tests.conftest import context
from tests.staff.staff_clients import csrf

SHEET_FIELDS = {"day": "2026-03-01", "place": "Lyon", "note": "", "country": "FR", "language": "fr"}


def sheet_path(appeal: AppealView, more: str = "") -> str:
    return f"/staff/appeals/{appeal.slug}/sheet{more}"


def typed_rows(rows: list[list[str]], **whole: str) -> dict[str, str]:
    cells = {
        f"{column}-{place}": cell
        for place, row in enumerate(rows)
        for column, cell in zip(("name", "email", "country", "consent"), row, strict=True)
    }
    return {**SHEET_FIELDS, **whole, **cells}


def post_sheet(browser: FlaskClient, appeal: AppealView, more: str, data: dict[str, Any]) -> TestResponse:
    token = csrf(browser.get(sheet_path(appeal)))
    return browser.post(sheet_path(appeal, more), data={**data, "csrf_token": token})


def hidden_fields(page: TestResponse) -> dict[str, str]:
    """Return the hidden fields of the first form of the preview."""
    first = page.text[page.text.index("/sheet/save") :].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', first)}


def enter_rows(browser: FlaskClient, appeal: AppealView, rows: list[list[str]], **answers: str) -> TestResponse:
    """Enter the rows, and store the sheet from its preview; return the response."""
    preview = post_sheet(browser, appeal, "", typed_rows(rows))
    assert preview.status_code == 200, preview.text
    return browser.post(sheet_path(appeal, "/save"), data={**hidden_fields(preview), **answers})


def sign_waiting_rows() -> None:
    app_runtime = runtime()
    while has_waiting_rows():
        sign_sheet_rows(context=context(app_runtime.clock()), target_mailboxes=TargetMailboxes(app_runtime.settings))
