"""Reading staff pages changes nothing and ends no log-in."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.domain.staff.roles import Role
from campaign.platform import Model, db
from campaign.queries.appeals.appeal import AppealView
from tests.staff.staff_clients import csrf, staff_client

# Tables that change because reading names is logged.
LOG_TABLES = {"audit_entry", "audit_head"}


def all_rows() -> dict[str, list[Any]]:
    """Return every row of every table."""
    found = {
        table.name: sorted(map(repr, db.session.execute(select(table))))
        for table in Model.metadata.sorted_tables
        if table.name not in LOG_TABLES
    }
    db.session.rollback()
    return found


def readable_addresses(app: Flask, slug: str) -> list[str]:
    """Return every address that answers GET, also those of Flask-Security."""
    staff: Flask = app.extensions["tocsin_staff"]
    some: dict[str, Any] = {
        "slug": slug,
        "language": "en",
        "position": 1,
        "table": "days",
        "kind": "csv",
        "name": "confirmation",
    }
    some |= {"act": "undo", "token": "a-token", "code": "fr", "filename": "x.js"}
    found = []
    with staff.test_request_context():
        for rule in staff.url_map.iter_rules():
            if "GET" in (rule.methods or set()):
                named: dict[str, Any] = {name: some.get(name, 1) for name in rule.arguments}
                if rule.endpoint.startswith("funnel."):
                    named["table"] = "sources"
                found.append(staff.url_for(rule.endpoint, **named))
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_page_ends_a_log_in_or_changes_a_row(app: Flask, appeal: AppealView, method: str) -> None:
    desk = staff_client(app, Role.ADMIN)
    paths = readable_addresses(app, appeal.slug)
    assert {"/staff/tf-validate", "/staff/mf-recovery", "/staff/login"} <= set(paths)
    before = all_rows()
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Referer": "https://elsewhere.example/"}
    for path in paths:
        assert desk.open(path, method=method, headers=headers).status_code < 500, path
        assert desk.get("/staff/account").status_code == 200, path
    assert all_rows() == before


def test_logging_out_is_a_button_with_the_form_s_token(app: Flask) -> None:
    desk = staff_client(app, Role.VIEWER)
    page = desk.get("/staff/account")
    assert desk.get("/staff/logout").status_code == 405
    assert desk.post("/staff/logout").status_code == 400
    assert desk.get("/staff/account").status_code == 200
    assert desk.post("/staff/logout", data={"csrf_token": csrf(page)}).status_code == 302
    assert desk.get("/staff/account").status_code == 302
