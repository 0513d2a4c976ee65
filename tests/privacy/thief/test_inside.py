"""The other signatures of an address are visible to its mailbox only; no role can infer them from a form."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.routing import BuildError

from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Role
from campaign.models import Signature, SignUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.person import digests_of_address
from campaign.services.announcements.confirmation_reminders import enqueue_confirmation_reminders
from campaign.services.outbox.suppression import suppress as refuse_mail
from tests.conftest import START, Postbox, clear_caches, context, form
from tests.staff.staff_clients import csrf, staff_client

pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
APPEAL_PAGE = "/staff/appeals/ana-ruiz-vega"
# Every staff page is requested with these values, where its path has variables.
PLACES: dict[str, tuple[Any, ...]] = {
    "slug": ("ana-ruiz-vega",),
    "table": ("days", "hours", "sections", "channels", "stages", "providers", "waits", "sources"),
    "kind": ("csv",),
    "language": ("en",),
    "name": ("confirmation",),
    "code": ("fr", "be"),
    **dict.fromkeys(("number", "handover_id", "invalidation_id", "staff_id", "signature_id", "position"), (1, 2)),
}
# Pages without signers: log-in, the document, charts of requested tables, and the audit log.
EXCLUDED_PAGES = re.compile(
    r"security\.|audit\.|account\.show_(invitation|digest_end)|password_reset\.|paper_sheet\.|\.(chart|section_map|letter_pdf)"
)
STATES = ("new", "pending", "confirmed", "withdrawn", "erased", "suppressed", "invalidated")
_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')
# Percentages follow from the numbers beside them.
_SHARE = re.compile(r"[0-9.]+%")
_NUMBER = re.compile(r"[0-9]+")


def address_of(state: str) -> str:
    return f"{state}@mail.example"


@pytest.fixture
def signed_elsewhere(client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox) -> None:
    """Make an address in each state, by signatures in another section."""
    for state in STATES[1:]:
        client.post(URL, data=form(email=address_of(state), country="BE"))
        deliver()
        if state == "pending":
            continue
        act = client.post(postbox.link()).location
        if state in {"withdrawn", "erased"}:
            do = "withdraw" if state == "withdrawn" else "erase"
            client.post(act.replace("/act", "/me"), data={"signature": "all", "do": do})
    vault = runtime().vault
    with transaction() as session:
        refused = parse_address(address_of("suppressed"))
        refuse_mail(session, refused, SuppressionReason.REFUSED, now=runtime().clock(), vault=vault)
        digests = digests_of_address(session, parse_address(address_of("invalidated")), vault)
        session.execute(update(Signature).where(Signature.address_digest.in_(digests)).values(state="invalidated"))


def paths(app: Flask) -> list[str]:
    """Return the address of every staff page."""
    made: set[str] = set()
    urls = app.extensions["tocsin_staff"].url_map
    for rule in urls.iter_rules():
        if "GET" not in (rule.methods or ()) or EXCLUDED_PAGES.search(rule.endpoint):
            continue
        names = sorted(rule.arguments)
        for values in product(*(PLACES[name] for name in names)):
            with suppress(BuildError, ValueError):
                made.add("/staff" + urls.bind("localhost").build(rule.endpoint, dict(zip(names, values, strict=True))))
    return sorted(made)


def pages(app: Flask, desk: FlaskClient) -> dict[str, tuple[str, list[int]]]:
    """Return the pages' texts and numbers, with the results of a search for each address and for the form's name."""
    answers = {path: desk.get(path) for path in paths(app)}
    said = {path: f"{answer.status_code} {answer.text}" for path, answer in answers.items()}
    token = csrf(desk.get("/staff/account"))
    for who in ("Jeanne Martin", *map(address_of, STATES)):
        asked = {"who": who, "reason": "asked by letter", "csrf_token": token}
        said[who] = desk.post("/staff/moderation/search", data=asked, follow_redirects=True).text
    texts = {path: _SHARE.sub("", _TOKEN.sub("", text)) for path, text in said.items()}
    return {
        path: (_NUMBER.sub("0", text), [int(number) for number in _NUMBER.findall(text)])
        for path, text in texts.items()
    }


@pytest.mark.parametrize("role", list(Role))
def test_no_page_reveals_the_signatures_of_an_address_in_other_sections(
    app: Flask, client: FlaskClient, signed_elsewhere: None, deliver: Callable[[], object], role: Role
) -> None:
    desk, grown = staff_client(app, role), {}

    def growth_by_form(email: str) -> dict[str, tuple[str, list[int]]]:
        client.post(URL, data=form(email=email, country="FR", via="probe"))
        deliver()
        client.post("/en/new-link", data={"email": email})
        deliver()
        earlier = {"signed_at": START - timedelta(days=3), "mailed_at": START - timedelta(days=3)}
        db.session.execute(update(SignUp).where(SignUp.reminded_at.is_(None)).values(**earlier))
        db.session.commit()
        enqueue_confirmation_reminders(context=context())
        deliver()
        clear_caches(app)
        return pages(app, desk)

    desk.get("/staff/")  # shows a welcome once
    before = growth_by_form("first@mail.example")
    for state in STATES:
        after = growth_by_form(address_of(state))
        assert {path: said for path, (said, _) in after.items()} == {path: said for path, (said, _) in before.items()}
        grown[state] = {path: growth(before[path][1], after[path][1]) for path in after}
        before = after
    told = [(state, path) for state in STATES for path in grown[state] if grown[state][path] != grown["new"][path]]
    assert told == []
    if role is Role.COORDINATOR:
        assert sum(grown["new"]["/staff/outbox"]) == 2, "answer and reminder are counted in one number"
    if f"{APPEAL_PAGE}/funnel/sources.csv" in grown["new"]:
        assert any(grown["new"][f"{APPEAL_PAGE}/funnel/sources.csv"]), "each form is counted"


def growth(before: list[int], after: list[int]) -> list[Any]:
    return [later - sooner for sooner, later in zip(before, after, strict=True)]
