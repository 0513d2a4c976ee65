"""What an address has done elsewhere is seen by its mailbox alone: no role learns it by typing it into the form."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from campaign.domain.address import parse_address
from campaign.domain.outbox import SuppressionReason
from campaign.domain.staff import Role
from campaign.extensions.runtime import runtime
from campaign.models import Signature
from campaign.queries.appeal import AppealView
from campaign.queries.person import digests_everywhere
from campaign.services.suppress import suppress
from campaign.services.transaction import transaction
from tests.conftest import Postbox, form, fresh
from tests.web.staff.room import csrf, staffed

pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
DESK = "/staff/appeals/ana-ruiz-vega"
PATHS = (
    "/staff/",
    "/staff/appeals",
    "/staff/moderation",
    "/staff/moderation/domains",
    *(f"{DESK}{path}" for path in ("", "/signing", "/signatures", "/handovers", "/entries", "/days.csv")),
    *(f"{DESK}/signing/{table}.csv" for table in ("sources", "providers")),
)
STATES = ("new", "pending", "confirmed", "withdrawn", "erased", "suppressed", "invalidated")
_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')
# Shares follow from the numbers beside them.
_SHARE = re.compile(r"[0-9.]+%")
_NUMBER = re.compile(r"[0-9]+")


def address_of(state: str) -> str:
    return f"{state}@mail.example"


@pytest.fixture
def elsewhere(client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox) -> None:
    """In another section there is an address in each state."""
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
        suppress(session, refused, SuppressionReason.REFUSED, now=runtime().clock(), vault=vault)
        digests = digests_everywhere(session, parse_address(address_of("invalidated")), vault)
        session.execute(update(Signature).where(Signature.address_digest.in_(digests)).values(state="invalidated"))


def pages(desk: FlaskClient) -> dict[str, tuple[str, list[int]]]:
    """What the pages say, and the numbers in it; with what the search finds of each address and of the form's name."""
    said = {path: desk.get(path).text for path in PATHS}
    token = csrf(desk.get("/staff/account"))
    for who in ("Jeanne Martin", *map(address_of, STATES)):
        asked = {"who": who, "reason": "asked by letter", "csrf_token": token}
        said[who] = desk.post("/staff/moderation/search", data=asked, follow_redirects=True).text
    texts = {path: _SHARE.sub("", _TOKEN.sub("", text)) for path, text in said.items()}
    return {path: (_NUMBER.sub("0", text), [int(one) for one in _NUMBER.findall(text)]) for path, text in texts.items()}


@pytest.mark.parametrize("role", list(Role))
def test_no_page_tells_what_an_address_has_done_elsewhere(
    app: Flask, client: FlaskClient, elsewhere: None, deliver: Callable[[], object], role: Role
) -> None:
    desk, grown = staffed(app, role), {}

    def probe(email: str) -> dict[str, tuple[str, list[int]]]:
        client.post(URL, data=form(email=email, country="FR", via="probe"))
        deliver()
        fresh(app)
        return pages(desk)

    desk.get("/staff/")  # which bids welcome, once
    before = probe("first@mail.example")
    for state in STATES:
        after = probe(address_of(state))
        assert {path: said for path, (said, _) in after.items()} == {path: said for path, (said, _) in before.items()}
        grown[state] = {path: growth(before[path][1], after[path][1]) for path in after}
        before = after
    told = [(state, path) for state in STATES for path in grown[state] if grown[state][path] != grown["new"][path]]
    assert told == []
    if f"{DESK}/signing/sources.csv" in grown["new"]:
        assert any(grown["new"][f"{DESK}/signing/sources.csv"]), "each form is counted, whoever's it is"


def growth(before: list[int], after: list[int]) -> list[Any]:
    return [later - sooner for sooner, later in zip(before, after, strict=True)]
