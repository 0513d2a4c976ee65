"""Every route of the staff room × method × role, with canaries in another section: not one leaks.

A route that is missing from the matrix fails, so that nobody adds one without saying whom it is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.action import Channel
from campaign.domain.staff import Role, Scope
from campaign.extensions.runtime import runtime
from campaign.queries.appeal import AppealView
from campaign.services.enter import Quantity, enter
from tests.conftest import START, form
from tests.web.staff.room import csrf, join, log_in

CANARY = "Canaria Kanarienvogel"


@dataclass(frozen=True)
class Route:
    """Whom a route is for, from which role on; and how to call it."""

    rule: str
    method: str
    lowest: Role
    path: str
    data: tuple[tuple[str, str], ...] = ()


MATRIX = (
    Route("/", "GET", Role.VIEWER, "/"),
    Route("/appeals/<slug>", "GET", Role.VIEWER, "/appeals/{slug}?section=be-nl"),
    Route("/appeals/<slug>/days.svg", "GET", Role.VIEWER, "/appeals/{slug}/days.svg"),
    Route("/appeals/<slug>/sections.svg", "GET", Role.VIEWER, "/appeals/{slug}/sections.svg"),
    Route(
        "/appeals/<slug>/<any(days, hours, sections, channels):table>.<any(csv, xlsx):kind>",
        "GET",
        Role.VIEWER,
        "/appeals/{slug}/days.csv",
    ),
    Route("/appeals/<slug>/entries", "GET", Role.EDITOR, "/appeals/{slug}/entries"),
    Route("/appeals/<slug>/entries", "POST", Role.EDITOR, "/appeals/{slug}/entries", (("quantity", "0"),)),
    Route("/appeals/<slug>/entries/<int:entry_id>/undo", "POST", Role.EDITOR, "/appeals/{slug}/entries/{entry}/undo"),
    Route("/account", "GET", Role.VIEWER, "/account"),
    Route("/account", "POST", Role.VIEWER, "/account", (("locale", "en"),)),
    Route("/people", "GET", Role.ADMIN, "/people"),
    Route("/people", "POST", Role.ADMIN, "/people", (("email", "no address"), ("role", "viewer"))),
    Route("/people/<int:staff_id>", "GET", Role.ADMIN, "/people/{staff}"),
    Route("/people/<int:staff_id>", "POST", Role.ADMIN, "/people/{staff}", (("role", "nobody"),)),
    Route("/people/<int:staff_id>/second-factor", "POST", Role.ADMIN, "/people/{staff}/second-factor"),
    Route("/audit", "GET", Role.ADMIN, "/audit"),
)
# Needs the mailed link instead of an account.
OPEN = {("/invitation/<token>", "GET"), ("/invitation/<token>", "POST")}
# Flask-Security's own: each proves by itself who is there, and shows nothing but one's own account.
CLOSED = ["/tf-rescue", "/fs-static/<path:filename>"]
SECURITY = """/login /logout /verify /reset /reset/<token> /change /tf-setup /tf-setup/<token> /tf-validate
/tf-select /mf-recovery /mf-recovery-codes /wan-register /wan-register/<token> /wan-delete /wan-signin
/wan-signin/<token> /wan-verify /wan-verify/<token>""".split()


def routes(app: Flask) -> set[tuple[str, str]]:
    staff: Flask = app.extensions["tocsin_staff"]
    return {
        (rule.rule, method)
        for rule in staff.url_map.iter_rules()
        if not rule.endpoint.startswith("security.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_in_the_matrix(app: Flask) -> None:
    assert routes(app) == {(route.rule, route.method) for route in MATRIX} | OPEN


def test_flask_security_adds_no_route_unseen(app: Flask, client: FlaskClient) -> None:
    rules = app.extensions["tocsin_staff"].url_map.iter_rules()
    assert {rule.rule for rule in rules if rule.endpoint.startswith("security.")} == {*SECURITY, *CLOSED}
    for path in ("/staff/tf-rescue", "/staff/fs-static/js/webauthn.js"):
        assert client.get(path).status_code == 404


@pytest.fixture
def other(app: Flask, client: FlaskClient, appeal: AppealView) -> dict[str, str]:
    """What there is in another section: a supporter with a canary's name, and a colleague."""
    signed = client.post(
        f"/en/appeals/{appeal.slug}/sign", data=form(name=CANARY, email="canary@mail.example", country="BE")
    )
    assert signed.status_code == 303
    colleague = join(app, "colleague@staff.example", Role.VIEWER, "be-nl")
    for section, place in (("be-nl", CANARY), ("fr", "Lyon")):
        entered = Quantity(Channel.LETTER, 7, START.date(), place, "")
        by = Scope(colleague, Role.EDITOR, section)
        entry = enter(appeal.slug, entered, by=by, is_sure=False, now=START, vault=runtime().vault)
    return {"staff": str(colleague), "slug": appeal.slug, "entry": str(entry)}


def call(browser: FlaskClient, route: Route, places: dict[str, str], token: str) -> tuple[int, str, str]:
    path = "/staff" + route.path.format(**places)
    if route.method == "GET":
        answer = browser.get(path)
    else:
        answer = browser.post(path, data={**dict(route.data), "csrf_token": token})
    return answer.status_code, answer.headers.get("Location", ""), answer.text


@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_what_it_may_and_no_canary(app: Flask, role: Role, other: dict[str, str]) -> None:
    join(app, "me@staff.example", role)
    browser = log_in(app, "me@staff.example")
    token = csrf(browser.get("/staff/account"))
    for route in MATRIX:
        status, location, body = call(browser, route, other, token)
        is_allowed = list(Role).index(role) >= list(Role).index(route.lowest)
        assert (status != 404) == is_allowed, (route, status)
        assert status < 500, route
        assert not location.startswith("/staff/login"), route
        assert "anari" not in body, route
        assert "canary" not in body.lower(), route


def test_nobody_gets_anything_without_logging_in(app: Flask, client: FlaskClient, other: dict[str, str]) -> None:
    token = csrf(client.get("/staff/login"))
    for route in MATRIX:
        status, location, body = call(client, route, other, token)
        assert (status, location.partition("?")[0]) == (302, "/staff/login"), route
        assert "anari" not in body


def test_a_route_that_says_nothing_is_closed(app: Flask) -> None:
    staff: Flask = app.extensions["tocsin_staff"]
    for endpoint, view in staff.view_functions.items():
        if not endpoint.startswith("security."):
            assert hasattr(view, "tocsin_need"), endpoint
