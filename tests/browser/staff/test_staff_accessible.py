"""axe over every page of the staff room, in every language, width and scheme: no finding, nothing to scroll sideways.

The pages are those that answer the matrix of routes, what each form says when it is sent empty, and the ways in.
`make test` sees each in two looks, `make axe` in all.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route
from sqlalchemy import update
from werkzeug.test import TestResponse

from campaign.config import LOCALES
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.roles import Role
from campaign.models import Mail, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.staff.accounts import Invitation, invite
from tests.browser.test_accessible import LOOKS, OPTIONS, looks_of
from tests.conftest import context
from tests.staff.route_matrix import MATRIX
from tests.staff.staff_clients import PASSWORD, csrf, join, log_in
from tests.staff.test_route_matrix import call, places  # noqa: F401  a fixture
from tests.staff.test_staff_injection import sent_forms

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ME = "me@staff.example"
# Flask-Security's own pages: after log-in, and after the password alone.
OWN = ("change", "verify", "tf-setup", "mf-recovery-codes", "wan-register")
HALFWAY = ("tf-validate", "mf-recovery", "wan-signin")
ORIGIN = "http://tocsin.test"


class Shown:
    """A page of the browser whose requests an application answers, some of them with what it answered before."""

    def __init__(self, page: Page, by: FlaskClient, locale: str) -> None:
        self.page, self.by, self.locale = page, by, locale
        self.findings: dict[str, list[str]] = {}
        self._shown = b""
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if not route.request.url.startswith(f"{ORIGIN}/"):
            route.abort()
            return
        if path == "/shown":
            route.fulfill(content_type="text/html; charset=utf-8", body=self._shown)
            return
        given = self.by.get(path)
        route.fulfill(status=given.status_code, content_type=given.headers.get("Content-Type", ""), body=given.data)

    def look(self, name: str, page: bytes, looks: list[tuple[int, str]]) -> None:
        """At that page, so wide and in that scheme."""
        self._shown = page
        for width, scheme in looks:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            self.page.goto(f"{ORIGIN}/shown")
            assert self.page.locator("html").get_attribute("lang") == self.locale, name
            violations = Axe().run(self.page, options=OPTIONS).response["violations"]
            found = [f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})" for one in violations]
            wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                found.append(f"{wide} pixels too wide")
            if found:
                self.findings[f"{name} {width} {scheme}"] = found


def pages(app: Flask, desk: FlaskClient, found: dict[str, str], locale: str) -> Iterator[tuple[str, bytes]]:
    """Every page of the staff room with a name, as this administrator gets it who does what is right."""
    yield from _ways_in(app, locale)
    for path in OWN:
        yield path, _page(desk.get(f"/staff/{path}"))
    yield "nowhere", _page(desk.get("/staff/nowhere"), 404)
    for route in MATRIX:
        name = f"{route.method} {route.path}"
        data = (("locale", locale),) if route.path == "/account" else route.data
        typed = {"data": data, "form": route.form, "file": route.file}
        answer = call(desk, route.method, route.path, found, token=csrf(desk.get("/staff/account")), **typed)
        if answer.status_code == 303:
            answer = desk.get(answer.location)
        if answer.mimetype != "text/html" or route.path.endswith(".html"):  # these are mails, shown in frames
            continue
        # The tests' server has no font with Arabic, and the page says so.
        is_unprintable = locale == "ar" and route.path.endswith("/print.pdf")
        yield name, _page(answer, 404 if is_unprintable else 422 if route.refused else 200)
    yield from _asking_back(desk)


def sent_empty(app: Flask, desk: FlaskClient, found: dict[str, str], locale: str) -> Iterator[tuple[str, bytes]]:
    """Yield the answer to each form that is sent unchanged, its boxes empty. Some of them stop the appeal by that."""
    for path in ("/staff" + route.path.format(**found) for route in MATRIX if route.method == "GET"):
        if desk.get(path, buffered=True).mimetype != "text/html":
            continue
        for number, (kind, page) in enumerate(sent_forms(desk, path, "")):
            if kind == "text/html" and b"<main" in page:  # else it leads on to another page
                yield f"{path}, its form {number} sent empty", page


def _asking_back(desk: FlaskClient) -> Iterator[tuple[str, bytes]]:
    """The undelivered mail, and the question before it is tried again or dropped."""
    with transaction() as session:
        session.execute(update(Mail).values(state="dead", phase="rcpt", code=550, detail="no such mailbox"))
    page = desk.get("/staff/outbox")
    yield "undelivered mail", _page(page)
    chosen = [html.unescape(one) for one in re.findall(r'name="reason" value="([^"]+)"', page.text)]
    assert chosen
    for act in ("retry", "drop"):
        data = {"do": act, "reason": chosen, "csrf_token": csrf(page)}
        yield f"{act}: sure?", _page(desk.post("/staff/outbox", data=data))


def _ways_in(app: Flask, locale: str) -> Iterator[tuple[str, bytes]]:
    """Yield the pages for a visitor who is not logged in, or only halfway."""
    spoken = {"Accept-Language": locale}
    stranger, now = app.test_client(), runtime().clock()
    invited = invite(Invitation("new@staff.example", "fr", Role.VIEWER, locale), context=context(now))
    member = join(app, "member@staff.example", Role.VIEWER)
    link_key = db.session.get_one(Staff, member).link_key
    db.session.rollback()
    digest = runtime().tokens.make(Purpose.DIGEST, member, now, link_key)
    for path in ("login", "reset", invited.partition("/staff/")[2], f"digest/{digest}"):
        yield path.partition("/")[0], _page(stranger.get(f"/staff/{path}", headers=spoken))
    yield "a broken invitation", _page(stranger.get("/staff/invitation/broken", headers=spoken), 410)
    token = csrf(stranger.get("/staff/login"))
    given = {"email": ME, "password": PASSWORD, "csrf_token": token}
    yield "a wrong password", _page(stranger.post("/staff/login", data={**given, "password": "-"}, headers=spoken))
    stranger.post("/staff/login", data=given, headers=spoken)
    for path in HALFWAY:
        yield path, _page(stranger.get(f"/staff/{path}", headers=spoken))


def _page(answer: TestResponse, wanted: int = 200) -> bytes:
    assert answer.status_code == wanted, (answer.request.path, answer.status, answer.location)
    return bytes(answer.data)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("seen", [pages, sent_empty])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_page_of_the_staff_room_has_a_finding(
    app: Flask,
    browser: Browser,
    places: dict[str, str],  # noqa: F811  the fixture
    locale: str,
    seen: Callable[[Flask, FlaskClient, dict[str, str], str], Iterator[tuple[str, bytes]]],
) -> None:
    with transaction() as session:
        session.get_one(Staff, join(app, ME, Role.ADMIN)).locale = locale
    desk = log_in(app, ME)
    context = browser.new_context(bypass_csp=True, locale=locale)
    shown = Shown(context.new_page(), desk, locale)
    for number, (name, page) in enumerate(seen(app, desk, places, locale)):
        looks = [(width, scheme) for one, width, scheme in looks_of(number) if one == locale]
        shown.look(name, page, LOOKS if os.environ.get("TOCSIN_AXE") == "all" else looks)
    context.close()
    assert shown.findings == {}
