"""A thief's own rows say the same whatever their address has done, for as long as they are kept.

Somebody has a form sent with an address in each state, lets the site do all its jobs for eight days, and reads after
each day what the tables hold of those forms and of the mails that answered them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign import tasks
from campaign.domain.address import parse_address
from campaign.domain.cipher import Vault
from campaign.domain.outbox import Attempt, Outcome, SuppressionReason
from campaign.extensions import db, huey
from campaign.extensions.runtime import runtime
from campaign.models import Mail, Signature, SignUp
from campaign.models.sealed import place_of
from campaign.queries.appeal import AppealView
from campaign.queries.person import digests_everywhere
from campaign.services.deliver import Standing, _outcome
from campaign.services.suppress import suppress
from campaign.services.transaction import transaction
from tests.conftest import Clock, Postbox, form

pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
STATES = ("new", "pending", "confirmed", "withdrawn", "erased", "suppressed", "invalidated")
JOBS = (
    tasks.close_what_is_over,
    tasks.fold_history,
    tasks.verify_tallies,
    tasks.spread_announcements,
    tasks.remind,
    tasks.take_bounces,
    tasks.let_go,
    tasks.look_at_domains,
    tasks.rewrite_keys,
)


def address_of(state: str) -> str:
    return f"{state}@mail.example"


@pytest.fixture
def in_each_state(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox, clock: Clock
) -> None:
    """Addresses that have done something on the appeal, a day ago."""
    for state in STATES[1:]:
        client.post(URL, data=form(email=address_of(state)))
        deliver()
        if state == "pending":
            continue
        act = client.post(postbox.link()).location
        if state in {"withdrawn", "erased"}:
            do = "withdraw" if state == "withdrawn" else "erase"
            client.post(act.replace("/act", "/me"), data={"signature": "all", "do": do})
    deliver()
    vault = runtime().vault
    with transaction() as session:
        refused = parse_address(address_of("suppressed"))
        suppress(session, refused, SuppressionReason.REFUSED, now=clock.now, vault=vault)
        digests = digests_everywhere(session, parse_address(address_of("invalidated")), vault)
        session.execute(update(Signature).where(Signature.address_digest.in_(digests)).values(state="invalidated"))
    clock.now += timedelta(days=1)


class Thief:
    """Knows which rows are the thief's by the keys; a thief does by the hour, the language and the section."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.forms: dict[int, str] = {}
        self.mails: dict[int, str] = {}

    def send(self) -> None:
        for state in STATES:
            self._client.post(URL.replace("/en/", "/ar/"), data=form(email=address_of(state), name="Some Body"))
            db.session.rollback()
            owed = select(Mail.sign_up_id).where(Mail.sign_up_id.is_not(None)).order_by(Mail.id.desc()).limit(1)
            self.forms[db.session.scalars(owed).one() or 0] = state
        assert len(self.forms) == len(STATES)

    def rows(self) -> dict[str, list[Any]]:
        """What the tables hold of the forms, by state: each value that is no random one, and the length of those."""
        db.session.rollback()
        vault = runtime().vault
        found: dict[str, list[Any]] = {state: [] for state in STATES}
        for row in db.session.execute(select(SignUp.__table__)):
            if row.id in self.forms:
                found[self.forms[row.id]].append(("sign_up", *plain(row._mapping)))
        for mail in db.session.scalars(select(Mail).where(Mail.locale == "ar").order_by(Mail.id)):
            if mail.id not in self.mails:
                of = mail.sign_up_id
                if of is None and mail.context_sealed is not None:
                    of = json.loads(vault.open_context(mail.context_sealed, place_of(mail)))["sign_up"]
                self.mails[mail.id] = self.forms[of or 0]
            values = {name: getattr(mail, name) for name in Mail.__table__.columns.keys()}  # noqa: SIM118
            found[self.mails[mail.id]].append(("mail", *plain(values)))
        db.session.rollback()
        return found


def plain(row: Any) -> list[Any]:
    """The values of a row by column; of random and of keyed ones the length alone, and no numbers of rows."""
    said: list[Any] = []
    for name, value in row.items():
        is_number = name in {"id", "batch"} or (name.endswith("_id") and name != "appeal_id")
        plain_value = len(value) if isinstance(value, bytes) else value
        said.append((name, value is None if is_number else plain_value))
    return said


def differing(rows: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    """Where a state's rows are others than a new address's."""
    return [(state, rows[state]) for state in STATES if rows[state] != rows["new"]]


def days(clock: Clock, in_step: Callable[[], None], deliver: Callable[[], object], number: int) -> None:
    clock.now += timedelta(days=number)
    in_step()
    for job in JOBS:
        job()
    deliver()


def play(
    client: FlaskClient, clock: Clock, in_step: Callable[[], None], deliver: Callable[[], object]
) -> list[tuple[str, Any]]:
    """What tells a state from another on any of the eight days."""
    in_step()
    thief = Thief(client)
    thief.send()
    told = differing(thief.rows())
    deliver()
    told += differing(thief.rows())
    for _ in range(8):
        days(clock, in_step, deliver, 1)
        told += differing(thief.rows())
    kinds = [row[0] for row in thief.rows()["confirmed"]]
    assert kinds == ["sign_up", "mail", "mail"], "the form, its answer, and the reminder"
    return told


@pytest.fixture(autouse=True)
def working(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs find their application, believe the clock, and are not stopped."""
    huey.app = app
    monkeypatch.setattr(huey, "worker_stop", threading.Event(), raising=False)
    tasks.progress.waits_since = None


def test_the_rows_of_a_form_say_nothing_of_its_address(
    client: FlaskClient, in_each_state: None, clock: Clock, in_step: Callable[[], None], deliver: Callable[[], object]
) -> None:
    assert play(client, clock, in_step, deliver) == []


def test_they_would_if_an_answer_said_why_it_did_not_leave(
    client: FlaskClient,
    in_each_state: None,
    clock: Clock,
    in_step: Callable[[], None],
    deliver: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def said(session: Session, mail: Mail, now: datetime, vault: Vault) -> dict[str, Any]:
        attempt = Attempt(Outcome.SUPPRESSED, "before", detail="why")
        return _outcome(session, Standing.of(mail), attempt, now, vault, mail.state)[1]

    monkeypatch.setattr("campaign.services.deliver._needless", said)
    told = {state for state, _ in play(client, clock, in_step, deliver)}
    assert {"confirmed", "suppressed", "invalidated"} <= told
