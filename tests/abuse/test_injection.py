"""Script injection in Chromium with the content security policy switched off, so that only escaping protects.

The payloads are in every field of a document and of a supporter, on every page, in mails, embeds, feeds and PDFs.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.signing.token import Purpose
from campaign.models import Mail
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.abuse.injection import Tab, hostile_draft, is_harmless, store_signer, tab  # noqa: F401  a fixture
from tests.abuse.payloads import PAYLOADS, payloads
from tests.attack import IS_ATTACK, Figure
from tests.browser.conftest import browser  # noqa: F401  a fixture
from tests.conftest import START, Postbox, clear_caches, confirm_at, context, form, manage_token

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# The short form tries some payloads, among them one that no font can show.
TRIED_PAYLOADS = slice(None) if IS_ATTACK else slice(2, None, 25)


def test_there_are_five_hundred_different_payloads() -> None:
    made = payloads()
    assert len(made) == len(set(made)) == PAYLOADS


def test_the_detector_finds_known_scripts(tab: Tab) -> None:  # noqa: F811  the fixture
    for number, body in enumerate(
        (b"<script>xss()</script>", b"<a href=' javascript:xss()'>x</a>", b"<p onclick=xss()>x")
    ):
        tab.bodies[f"/bad/{number}"] = ("text/html", body)
        assert tab.find_scripts(f"/bad/{number}"), body


def test_no_payload_runs_on_any_public_page(
    app: Flask,
    tab: Tab,  # noqa: F811  the fixture
    client: FlaskClient,
    deliver: Any,
    postbox: Postbox,
    figure: Figure,
) -> None:
    tried = payloads()[TRIED_PAYLOADS]
    bad: dict[str, list[str]] = {}

    def check_path(payload: str, path: str) -> None:
        found = tab.find_scripts(path)
        if found:
            bad[f"{path.rpartition('/')[2][:12]}: {payload}"] = found

    for number, payload in enumerate(tried):
        slug = f"case-{number}"
        import_draft(hostile_draft(payload), ImportOptions(slug=slug, deadline=date(2099, 1, 1)), context=context())
        publish(slug, context=context())
        clear_caches(app)
        answer = client.post(
            f"/en/appeals/{slug}/sign", data=form(name=payload, email=payload, country=payload, via=payload)
        )
        assert answer.status_code == 422
        tab.bodies[f"/typed/{number}"] = ("text/html", answer.data)
        sign_up_id = store_signer(_appeal_id(slug), payload)
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
