"""Access rules: the permission of a route, valid log-ins, and the redirect after the password was repeated."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from campaign.document import MAX_FILE_BYTES
from campaign.domain.staff.lifetimes import SESSION_LIFETIME
from campaign.domain.staff.roles import Permission, Role
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.staff.login import begin_session, end_session, is_session_alive
from campaign.web.staff.staff.access import Requirement, accepts_upload, needs, open_to_all, requirement_of
from tests.conftest import Clock, context
from tests.staff.staff_clients import csrf, join_staff, staff_client


def test_a_view_declares_its_permission() -> None:
    app = Flask("none")
    app.view_functions = {
        "edit": needs(Permission.EDIT)(lambda: "edited"),
        "export": needs(Permission.EDIT, fresh=True)(lambda: "exported"),
        "open": open_to_all(lambda: "open"),
        "silent": lambda: "silent",
    }
    assert {name: requirement_of(app, name) for name in app.view_functions} == {
        "edit": Requirement(Permission.EDIT, is_fresh=False),
        "export": Requirement(Permission.EDIT, is_fresh=True),
        "open": Requirement(None, is_fresh=False),
        "silent": None,
    }
    assert app.view_functions["export"]() == "exported"


def test_a_form_with_a_document_accepts_the_largest_document() -> None:
    def upload() -> str:
        return "taken"

    assert accepts_upload(upload) is upload
    assert vars(upload) == {"tocsin_max_bytes": MAX_FILE_BYTES * 4 // 3 + 65536}


def test_a_log_in_is_valid_with_its_secret_and_account_only(app: Flask, clock: Clock) -> None:
    ana, bea = (join_staff(app, f"{name}@staff.example", Role.VIEWER) for name in ("ana", "bea"))
    app_runtime, begun = runtime(), clock.now
    with transaction() as session:
        secret, other = (begin_session(session, ana, context=context(begun)) for _ in range(2))
    assert secret != other

    def is_alive(secret: str, staff_id: int) -> bool:
        return is_session_alive(secret, staff_id, now=clock.now, vault=app_runtime.vault)

    assert is_alive(secret, ana)
    assert not is_alive(secret, bea)
    assert not is_alive(secret + "x", ana)
    end_session(other, context=context())
    assert (is_alive(secret, ana), is_alive(other, ana)) == (True, False)
    clock.now = begun + SESSION_LIFETIME - timedelta(seconds=1)
    assert is_alive(secret, ana)
    clock.now = begun + SESSION_LIFETIME
    assert not is_alive(secret, ana)


@pytest.mark.parametrize(
    ("referrer", "path"),
    [
        ("http://localhost/staff/accounts?a=b", "/staff/accounts"),
        ("http://elsewhere.example/staff/accounts", "/staff/"),
        ("", "/staff/"),
    ],
)
def test_a_repeated_password_leads_back_to_the_form(
    app: Flask, monkeypatch: pytest.MonkeyPatch, referrer: str, path: str
) -> None:
    desk = staff_client(app, Role.ADMIN)
    token = csrf(desk.get("/staff/accounts"))
    monkeypatch.setattr("campaign.web.staff.staff.access.time", lambda: 0.0)
    answer = desk.post("/staff/accounts", data={"csrf_token": token}, headers={"Referer": referrer})
    assert (answer.status_code, answer.location) == (302, f"/staff/verify?next={path}")


@pytest.mark.parametrize("page", ["/staff/appeals/case-0/signatures", "/staff/appeals/case-0/signatures?for=court"])
def test_a_repeated_password_leads_on_to_the_requested_page(
    app: Flask, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    desk = staff_client(app, Role.ADMIN)
    monkeypatch.setattr("campaign.web.staff.staff.access.time", lambda: 0.0)
    answer = desk.get(page, headers={"Referer": "http://localhost/staff/elsewhere"})
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.location).query) == {"next": [page]}
