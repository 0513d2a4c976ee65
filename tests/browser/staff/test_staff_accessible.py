"""axe finds nothing on any staff page, in every language, width and scheme, and no page scrolls sideways.

The pages are the answers to the matrix of routes, the answers to each form that is sent empty, and the log-in pages.
`make test` opens each in one look, in English or Arabic in turn; `make axe` in all.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route
from sqlalchemy import update
from werkzeug.test import TestResponse

from campaign.domain.signing.token import Purpose
from campaign.domain.staff.roles import Role
from campaign.models import Mail, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.staff.accounts import Invitation, invite
from tests.browser.axe import LOOKS, OPENED_LOCALES, OPENS_ALL, axe_findings
from tests.conftest import context
from tests.staff.page_forms import sent_forms
from tests.staff.route_matrix import MATRIX
from tests.staff.staff_clients import PASSWORD, csrf, join_staff, log_in
from tests.staff.test_route_matrix import places, send_request  # noqa: F401  a fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ME = "me@staff.example"
# Pages of Flask-Security: those after log-in, and those between the password and the second factor.
SECURITY_PAGES = ("change", "verify", "tf-setup", "mf-recovery-codes", "wan-register")
SECOND_FACTOR_PAGES = ("tf-validate", "mf-recovery", "wan-signin")
ORIGIN = "http://tocsin.test"


class InspectedPage:
    """A page of the browser that shows given answers; the application answers its further requests."""

    def __init__(self, page: Page, client: FlaskClient, locale: str) -> None:
        self.page, self.client, self.locale = page, client, locale
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
        answer = self.client.get(path)
        route.fulfill(status=answer.status_code, content_type=answer.headers.get("Content-Type", ""), body=answer.data)

    def inspect(self, name: str, page: bytes, looks: list[tuple[int, str]]) -> None:
        """Show the page in each width and scheme, and note the findings under its name."""
        self._shown = page
        for width, scheme in looks:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            self.page.goto(f"{ORIGIN}/shown")
            assert self.page.locator("html").get_attribute("lang") == self.locale, name
            findings = axe_findings(self.page)
            excess_pixels = self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if excess_pixels > 0:
                findings.append(f"{excess_pixels} pixels too wide")
            if findings:
                self.findings[f"{name} {width} {scheme}"] = findings


def staff_pages(
    app: Flask, desk: FlaskClient, places_by_name: dict[str, str], locale: str
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every staff page, as an administrator gets it with valid requests."""
    yield from _log_in_pages(app, locale)
    for path in SECURITY_PAGES:
        yield path, _page(desk.get(f"/staff/{path}"))
    yield "nowhere", _page(desk.get("/staff/nowhere"), 404)
    for route in MATRIX:
        name = f"{route.method} {route.path}"
        data = (("locale", locale),) if route.path == "/account" else route.data
        typed = {"data": data, "form": route.form, "file": route.file}
        answer = send_request(
            desk, route.method, route.path, places_by_name, token=csrf(desk.get("/staff/account")), **typed
        )
        if answer.status_code == 303:
            answer = desk.get(answer.location)
        if answer.mimetype != "text/html" or route.path.endswith(".html"):  # mails that are shown in frames
            continue
        # The tests' server has no font with Arabic, so the page says that it cannot print it.
        is_unprintable = locale == "ar" and route.path.endswith("/print.pdf")
        yield name, _page(answer, 404 if is_unprintable else 422 if route.refused else 200)
    yield from _failed_mail_pages(desk)


def forms_sent_empty(
    app: Flask, desk: FlaskClient, places_by_name: dict[str, str], locale: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the answer to each form that is sent unchanged, with boxes unticked. Some of the forms stop the appeal."""
    for path in ("/staff" + route.path.format(**places_by_name) for route in MATRIX if route.method == "GET"):
        if desk.get(path, buffered=True).mimetype != "text/html":
            continue
        for number, (kind, page) in enumerate(sent_forms(desk, path, "")):
            if kind == "text/html" and b"<main" in page:  # otherwise it redirects to another page
                yield f"{path}, its form {number} sent empty", page


def _failed_mail_pages(desk: FlaskClient) -> Iterator[tuple[str, bytes]]:
    """Yield the page of failed mail, and the confirmation pages before retrying and dropping it."""
    with transaction() as session:
        session.execute(update(Mail).values(state="dead", phase="rcpt", code=550, detail="no such mailbox"))
    page = desk.get("/staff/outbox")
    yield "undelivered mail", _page(page)
    reasons = [html.unescape(reason) for reason in re.findall(r'name="reason" value="([^"]+)"', page.text)]
    assert reasons
    for act in ("retry", "drop"):
        data = {"do": act, "reason": reasons, "csrf_token": csrf(page)}
        yield f"{act}: sure?", _page(desk.post("/staff/outbox", data=data))


def _log_in_pages(app: Flask, locale: str) -> Iterator[tuple[str, bytes]]:
    """Yield the pages before log-in, and those between the password and the second factor."""
    headers = {"Accept-Language": locale}
    stranger, now = app.test_client(), runtime().clock()
    invitation_link = invite(Invitation("new@staff.example", "fr", Role.VIEWER, locale), context=context(now))
    member = join_staff(app, "member@staff.example", Role.VIEWER)
    link_key = db.session.get_one(Staff, member).link_key
    db.session.rollback()
    digest = runtime().tokens.make(Purpose.DIGEST, member, now, link_key)
    for path in ("login", "reset", invitation_link.partition("/staff/")[2], f"digest/{digest}"):
        yield path.partition("/")[0], _page(stranger.get(f"/staff/{path}", headers=headers))
    yield "a broken invitation", _page(stranger.get("/staff/invitation/broken", headers=headers), 410)
    token = csrf(stranger.get("/staff/login"))
    credentials = {"email": ME, "password": PASSWORD, "csrf_token": token}
    yield (
        "a wrong password",
        _page(stranger.post("/staff/login", data={**credentials, "password": "-"}, headers=headers)),
    )
    stranger.post("/staff/login", data=credentials, headers=headers)
    for path in SECOND_FACTOR_PAGES:
        yield path, _page(stranger.get(f"/staff/{path}", headers=headers))


def _page(answer: TestResponse, expected_status: int = 200) -> bytes:
    assert answer.status_code == expected_status, (answer.request.path, answer.status, answer.location)
    return bytes(answer.data)


@pytest.mark.parametrize("locale", OPENED_LOCALES)
@pytest.mark.parametrize("pages_of", [staff_pages, forms_sent_empty])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_staff_page_has_a_finding(
    app: Flask,
    browser: Browser,
    places: dict[str, str],  # noqa: F811  the fixture
    locale: str,
    pages_of: Callable[[Flask, FlaskClient, dict[str, str], str], Iterator[tuple[str, bytes]]],
) -> None:
    with transaction() as session:
        session.get_one(Staff, join_staff(app, ME, Role.ADMIN)).locale = locale
    desk = log_in(app, ME)
    context = browser.new_context(bypass_csp=True, locale=locale)
    inspected = InspectedPage(context.new_page(), desk, locale)
    for number, (name, page) in enumerate(pages_of(app, desk, places, locale)):
        if OPENS_ALL:
            inspected.inspect(name, page, LOOKS)
        elif OPENED_LOCALES[number % len(OPENED_LOCALES)] == locale:
            inspected.inspect(name, page, [LOOKS[number // len(OPENED_LOCALES) % len(LOOKS)]])
    context.close()
    assert inspected.findings == {}
