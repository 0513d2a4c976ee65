"""Script injection, driven in Chromium with the content security policy switched off, so that only escaping helps.

Every field of a document and every field that a supporter types, on every page, in mails, embeds, feeds and PDFs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.document.draft import DraftAppeal, DraftLetter, DraftPerson, DraftTarget
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import SUPPORTER
from campaign.letter.letter_pdf import is_printable
from campaign.models import Mail
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.signing.sign import SignUpRequest, sign
from tests.abuse.payloads import WANTED, payloads
from tests.attack import IS_ATTACK, Figure
from tests.browser.conftest import browser  # noqa: F401  a fixture
from tests.conftest import START, Postbox, clear_caches, confirm_at, context, form, manage_token

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# The short form tries some, among them one that no font can show.
TRIED = slice(None) if IS_ATTACK else slice(2, None, 25)
# Everything that runs or could be made to: handlers, script addresses, scripts that are not the site's own files.
_FOUND = """() => {
  const address = /^(href|src|action|formaction|data|xlink:href)$/i;
  const script = /^[\\s\\x00-\\x20]*(javascript|vbscript|data(?!:image\\/(png|webp|svg)))/i;
  const found = Array(window.hits || 0).fill('ran');
  for (const e of document.querySelectorAll('*')) {
    for (const { name, value } of e.attributes)
      if (/^on/i.test(name) || name == 'srcdoc' || (address.test(name) && script.test(value)))
        found.push(e.localName + '@' + name);
    const isOurs = e.type == 'application/ld+json' || /^\\/static\\//.test(e.getAttribute('src') || '');
    if (e.localName == 'script' && !isOurs) found.push('script');
  }
  return found;
}"""


@dataclass
class Tab:
    """A page of the browser whose requests the test's application answers."""

    page: Page
    client: FlaskClient
    bodies: dict[str, tuple[str, bytes]]
    seen: int = 0

    def found(self, path: str) -> list[str]:
        """Return what a foreign script could do on that page."""
        self.page.goto(f"http://tocsin.test{path}", wait_until="load")
        self.seen += 1
        return list(self.page.evaluate(_FOUND))

    def answer(self, route: Route) -> None:
        """Answer from the prepared bodies, or by the application."""
        path = route.request.url.removeprefix("http://tocsin.test")
        if not route.request.url.startswith("http://tocsin.test/") or route.request.resource_type in {"image", "media"}:
            route.abort()
            return
        if path in self.bodies:
            kind, body = self.bodies[path]
            route.fulfill(status=200, content_type=kind, body=body)
            return
        given = self.client.get(path)
        route.fulfill(status=given.status_code, content_type=given.headers.get("Content-Type", ""), body=given.data)


@pytest.fixture
def tab(app: Flask, browser: Browser, client: FlaskClient) -> Iterator[Tab]:  # noqa: F811  the fixture
    context = browser.new_context(bypass_csp=True)
    context.add_init_script("window.xss = () => { window.hits = (window.hits || 0) + 1 }; window.alert = window.xss")
    page = context.new_page()
    tab = Tab(page, client, {})
    page.route("**/*", tab.answer)
    yield tab
    context.close()


def hostile(payload: str) -> DraftAppeal:
    """Return a case whose document holds the payload in every field; readers remove NUL."""
    payload = payload.replace("\x00", "")
    target = DraftTarget(
        kind="primary",
        role=payload,
        name=payload,
        address=(payload, payload),
        salutation=payload,
        country="CO",
        emails=("minister@interior.example",),
        faxes=(payload,),
        phones=(payload,),
        social={"twitter": payload, payload: "x"},
    )
    return DraftAppeal(
        language="en",
        reference="UA 7/26",
        country="CO",
        headline=payload,
        summary=payload,
        targets=(target,),
        letter=DraftLetter(payload, (payload, f"**{payload}**"), payload),
        talking_points=(payload,),
        background=payload,
        languages=("es",),
        people=(DraftPerson(payload, payload),),
        previous=payload,
    )


def signer(appeal_id: int, payload: str) -> int:
    """Store a sign-up with that name, even where the form would refuse it; return its id."""
    vault = runtime().vault
    address = parse_address(f"signer{appeal_id}@mail.example")
    sign(
        SignUpRequest(appeal_id, "fr", "FR", payload[:200], address, "en", "en", 1, payload.replace("\x00", "")[:40]),
        context=context(actor=SUPPORTER, vault=vault),
    )
    return db.session.scalars(select(SignedUp.id).where(SignedUp.appeal_id == appeal_id)).one()


def test_there_are_as_many_different_payloads_as_wanted() -> None:
    made = payloads()
    assert len(made) == len(set(made)) == WANTED


def test_the_detector_detects(tab: Tab) -> None:
    for number, body in enumerate(
        (b"<script>xss()</script>", b"<a href=' javascript:xss()'>x</a>", b"<p onclick=xss()>x")
    ):
        tab.bodies[f"/bad/{number}"] = ("text/html", body)
        assert tab.found(f"/bad/{number}"), body


def test_no_payload_runs_anywhere(
    app: Flask,
    tab: Tab,
    client: FlaskClient,
    deliver: Any,
    postbox: Postbox,
    figure: Figure,
) -> None:
    tried = payloads()[TRIED]
    bad: dict[str, list[str]] = {}

    def check_path(payload: str, path: str) -> None:
        found = tab.found(path)
        if found:
            bad[f"{path.rpartition('/')[2][:12]}: {payload}"] = found

    for number, payload in enumerate(tried):
        slug = f"case-{number}"
        import_draft(hostile(payload), ImportOptions(slug=slug, deadline=date(2099, 1, 1)), context=context())
        publish(slug, context=context())
        clear_caches(app)
        answer = client.post(
            f"/en/appeals/{slug}/sign", data=form(name=payload, email=payload, country=payload, via=payload)
        )
        assert answer.status_code == 422
        tab.bodies[f"/typed/{number}"] = ("text/html", answer.data)
        sign_up_id = signer(_appeal_id(slug), payload)
        tokens, now = runtime().tokens, runtime().clock()
        row = db.session.execute(
            select(SignedUp.link_key, SignedUp.content_digest).where(SignedUp.id == sign_up_id)
        ).one()
        confirm = tokens.make(Purpose.CONFIRM, sign_up_id, now, row.link_key, row.content_digest)
        for path in (
            f"/en/appeals/{slug}",
            f"/typed/{number}",
            f"/en/appeals/{slug}/progress",
            f"/embed/{slug}",
            f"/en/s/{confirm}",
        ):
            check_path(payload, path)
        manage = manage_token(confirm_at(sign_up_id, START))
        for path in (f"/en/m/{manage}/act", f"/en/m/{manage}/me", f"/en/appeals/{slug}/thanks"):
            check_path(payload, path)
        deliver()
        for count, message in enumerate(postbox.messages):
            part = message.get_body(("html",))
            assert part is not None
            tab.bodies[f"/mail/{number}-{count}"] = ("text/html; charset=utf-8", str(part.get_content()).encode())
            check_path(payload, f"/mail/{number}-{count}")
            assert not re.search(r"[\r\n]", str(message["Subject"]))
        postbox.messages.clear()
        for path in (f"/en/m/{manage}/letter.pdf", f"/en/appeals/{slug}/letter.pdf"):
            assert is_harmless(client.get(path), payload)
        tab.bodies.clear()
    for path in ("/en/", "/en/feed.atom", "/en/sections", "/api/v1/appeals", "/sitemap.xml"):
        check_path("all", path)
    figure(
        "5 input: script injection, payloads / pages looked at / run", f"{len(tried)}/{tab.seen}/{len(bad)}", "0 run"
    )
    assert bad == {}
    assert db.session.scalars(select(Mail.state).where(Mail.state == "dead")).all() == []


def _appeal_id(slug: str) -> int:
    from campaign.queries.appeals.appeal import find_appeal  # noqa: PLC0415  used here only

    found = find_appeal(slug)
    assert found is not None
    db.session.rollback()
    return found.id


def is_harmless(answer: TestResponse, payload: str) -> bool:
    """Return whether the answer is an inert PDF, or a page because no font shows the payload."""
    if answer.mimetype == "application/pdf":
        return is_inert(answer.data)
    return answer.status_code < 500 and not is_printable(payload, runtime().settings.fonts)


def is_inert(content: bytes) -> bool:
    """Return whether a PDF opens without an action and without a script."""
    reader = PdfReader(io.BytesIO(content))
    plain = b"".join(repr(reader.get_object(number)).encode() for number in range(1, int(reader.trailer["/Size"])))  # type: ignore[call-overload]
    return not re.search(rb"/(JavaScript|JS|OpenAction|AA|Launch|EmbeddedFile|SubmitForm)\b", plain)
