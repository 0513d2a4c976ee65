"""Hostile appeals and sign-ups, and a browser page that detects a script which they inject."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.document.draft import DraftAppeal, DraftLetter, DraftPerson, DraftTarget
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.letter.letter_pdf import is_printable
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import context

# Everything that runs a script or could: handlers, script addresses, and scripts that are not the site's files.
_FIND_SCRIPTS = """() => {
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

    def find_scripts(self, path: str) -> list[str]:
        """Open the page; return its parts that run a foreign script or could."""
        self.page.goto(f"http://tocsin.test{path}", wait_until="load")
        self.seen += 1
        return list(self.page.evaluate(_FIND_SCRIPTS))

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
def tab(app: Flask, browser: Browser, client: FlaskClient) -> Iterator[Tab]:
    context = browser.new_context(bypass_csp=True)
    context.add_init_script("window.xss = () => { window.hits = (window.hits || 0) + 1 }; window.alert = window.xss")
    page = context.new_page()
    tab = Tab(page, client, {})
    page.route("**/*", tab.answer)
    yield tab
    context.close()


def hostile_draft(payload: str) -> DraftAppeal:
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


def store_signer(appeal_id: int, payload: str) -> int:
    """Store a sign-up with that name, even if the form would refuse it; return its id."""
    vault = runtime().vault
    address = parse_address(f"signer{appeal_id}@mail.example")
    sign(
        SignUpRequest(appeal_id, "fr", "FR", payload[:200], address, "en", "en", 1, payload.replace("\x00", "")[:40]),
        context=context(actor=SUPPORTER, vault=vault),
    )
    return db.session.scalars(select(SignedUp.id).where(SignedUp.appeal_id == appeal_id)).one()


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
