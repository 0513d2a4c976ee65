"""Rows of a thief's forms are equal for every state of their address, as long as they are stored.

The thief sends a form or a link request with an address in each state, and lets the site run all jobs for eight days.
After each day, the thief reads the rows of these forms and of the mails that answered them.
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
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome, SuppressionReason
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.models import Mail, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db, huey
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.person import digests_of_address
from campaign.services.delivery.bounce import process_bounce
from campaign.services.delivery.deliver import FencedMail, _next_state
from campaign.services.outbox.suppression import suppress, suppression_reason
from campaign.services.signing.new_link import answer_link_requests
from tests.conftest import Clock, Postbox, context, form
from tests.mail.dsn import samples

pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
STATES = ("new", "pending", "confirmed", "withdrawn", "erased", "suppressed", "invalidated")
JOBS = (
    tasks.close_expired_appeals,
    tasks.roll_up_history,
    tasks.verify_tallies,
    tasks.fan_out_announcements,
    tasks.send_reminders,
    tasks.process_bounces,
    tasks.purge_personal_data,
    tasks.examine_domains,
    tasks.rewrite_keys,
)


def address_of(state: str) -> str:
    return f"{state}@mail.example"


@pytest.fixture
def in_each_state(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox, clock: Clock
) -> None:
    """Make addresses in each state, by actions on the appeal a day ago."""
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
        digests = digests_of_address(session, parse_address(address_of("invalidated")), vault)
        session.execute(update(Signature).where(Signature.address_digest.in_(digests)).values(state="invalidated"))
    clock.now += timedelta(days=1)


class FormThief:
    """A thief whose rows the test finds by the keys; a real thief finds them by hour, language and section."""

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
        """Return the columns of the forms, by state: each value that is not random, and the length of the others."""
        db.session.rollback()
        vault = runtime().vault
        found: dict[str, list[Any]] = {state: [] for state in STATES}
        for row in db.session.execute(select(SignUp.__table__)):
            if row.id in self.forms:
                found[self.forms[row.id]].append(("sign_up", *visible_values(row._mapping)))
        for mail in db.session.scalars(select(Mail).where(Mail.locale == "ar").order_by(Mail.id)):
            if mail.id not in self.mails:
                of = mail.sign_up_id
                if of is None and mail.context_sealed is not None:
                    of = json.loads(vault.open_context(mail.context_sealed, place_of(mail)))["sign_up"]
                self.mails[mail.id] = self.forms[of or 0]
            values = {name: getattr(mail, name) for name in Mail.__table__.columns.keys()}  # noqa: SIM118
            found[self.mails[mail.id]].append(("mail", *visible_values(values)))
        db.session.rollback()
        return found


def visible_values(row: Any) -> list[Any]:
    """Return the values of a row by column; only the length of random and keyed values, and no ids."""
    said: list[Any] = []
    for name, value in row.items():
        is_number = name in {"id", "batch"} or (name.endswith("_id") and name != "appeal_id")
        plain_value = len(value) if isinstance(value, bytes) else value
        said.append((name, value is None if is_number else plain_value))
    return said


def differing_states(rows: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    """Return the rows of each state that differ from a new address's."""
    return [(state, rows[state]) for state in STATES if rows[state] != rows["new"]]


def run_days(clock: Clock, sync_database_clock: Callable[[], None], deliver: Callable[[], object], number: int) -> None:
    clock.now += timedelta(days=number)
    sync_database_clock()
    for job in JOBS:
        job()
    deliver()


def differences_of_forms(
    client: FlaskClient, clock: Clock, sync_database_clock: Callable[[], None], deliver: Callable[[], object]
) -> list[tuple[str, Any]]:
    """Return each difference between states on any of the eight days."""
    sync_database_clock()
    thief = FormThief(client)
    thief.send()
    told = differing_states(thief.rows())
    deliver()
    told += differing_states(thief.rows())
    for _ in range(8):
        run_days(clock, sync_database_clock, deliver, 1)
        told += differing_states(thief.rows())
    kinds = [row[0] for row in thief.rows()["confirmed"]]
    assert kinds == ["sign_up", "mail", "mail"], "the form, its answer and the reminder"
    return told


@pytest.fixture(autouse=True)
def run_jobs_in_process(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs find their application, use the test's clock, and run without interruption."""
    huey.app = app
    monkeypatch.setattr(huey, "worker_stop", threading.Event(), raising=False)
    tasks.progress.in_doubt_since = None


def test_the_rows_of_a_form_do_not_depend_on_its_address(
    client: FlaskClient,
    in_each_state: None,
    clock: Clock,
    sync_database_clock: Callable[[], None],
    deliver: Callable[[], object],
) -> None:
    assert differences_of_forms(client, clock, sync_database_clock, deliver) == []


def test_the_rows_would_differ_if_an_answer_stored_its_failure(
    client: FlaskClient,
    in_each_state: None,
    clock: Clock,
    sync_database_clock: Callable[[], None],
    deliver: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def outcome_with_failure(
        session: Session, fenced: FencedMail, now: datetime, vault: Vault, before: str
    ) -> dict[str, Any]:
        attempt = DeliveryAttempt(DeliveryOutcome.SUPPRESSED, "before", detail="why")
        return _next_state(session, fenced, attempt, now, vault, before)[1]

    monkeypatch.setattr("campaign.services.delivery.deliver._unneeded_answer", outcome_with_failure)
    told = {state for state, _ in differences_of_forms(client, clock, sync_database_clock, deliver)}
    assert {"confirmed", "suppressed", "invalidated"} <= told


class LinkThief:
    """A thief who requests new links for an address in each state, and reads the rows of their mails."""

    def __init__(self) -> None:
        self._states: dict[int, str] = {}

    def request_links(self, client: FlaskClient) -> None:
        vault = runtime().vault
        for state in STATES:
            client.post("/ar/new-link", data={"email": address_of(state)})
            answer_link_requests(context=context(vault=vault))
            owed = select(Mail.id).where(Mail.kind == "new_link", Mail.id.not_in(list(self._states)))
            self._states |= dict.fromkeys(db.session.scalars(owed), state)
            db.session.rollback()

    def rows(self) -> dict[str, list[Any]]:
        db.session.rollback()
        found: dict[str, list[Any]] = {state: [] for state in STATES}
        for row in db.session.execute(select(Mail.__table__).order_by(Mail.id)):
            if row.id in self._states:
                found[self._states[row.id]].append(("mail", *visible_values(row._mapping)))
        db.session.rollback()
        return found


class RefusingTransport:
    """A transport whose server refuses every recipient permanently or temporarily."""

    def __init__(self, *attempts: DeliveryAttempt) -> None:
        self._attempts = list(attempts)

    def send(self, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        return self._attempts.pop(0) if len(self._attempts) > 1 else self._attempts[0]

    def close(self) -> None: ...

    def abort(self) -> None: ...


@pytest.mark.parametrize("end", ["sent", "refused", "full for days", "unknown"])
def test_the_rows_of_link_requests_do_not_depend_on_their_address(
    client: FlaskClient,
    in_each_state: None,
    clock: Clock,
    sync_database_clock: Callable[[], None],
    postbox: Postbox,
    deliver: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> None:
    assert differences_of_links(client, clock, sync_database_clock, postbox, deliver, monkeypatch, end) == []


def test_the_rows_would_differ_if_only_sent_mails_were_treated_alike(
    client: FlaskClient,
    in_each_state: None,
    clock: Clock,
    sync_database_clock: Callable[[], None],
    postbox: Postbox,
    deliver: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "campaign.services.delivery.deliver._uniform_outcome", lambda _fenced, _state, outcome, _vault: outcome
    )
    told = {
        state
        for state, _ in differences_of_links(
            client, clock, sync_database_clock, postbox, deliver, monkeypatch, "refused"
        )
    }
    assert {"pending", "confirmed", "withdrawn"} <= told


def differences_of_links(
    client: FlaskClient,
    clock: Clock,
    sync_database_clock: Callable[[], None],
    postbox: Postbox,
    deliver: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> list[tuple[str, Any]]:
    """Return each difference between states on eight days, where the mails end in that way."""
    sync_database_clock()
    links = LinkThief()
    links.request_links(client)
    told = differing_states(links.rows())
    assert {len(rows) for rows in links.rows().values()} == {2}
    before = len(postbox.messages)
    if end == "sent":
        assert deliver()["sent"] >= 3, "mails for waiting, confirmed and withdrawn addresses"
        assert len(postbox.messages) > before
    else:
        answers = {
            "refused": DeliveryAttempt(DeliveryOutcome.MAILBOX_REFUSED, "rcpt", 550, "no such mailbox"),
            "full for days": DeliveryAttempt(DeliveryOutcome.RETRY, "rcpt", 452, "full"),
            "unknown": DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "dot"),
        }
        monkeypatch.setattr(Postbox, "send", RefusingTransport(answers[end]).send)
        for _ in range(1 if end == "refused" else 20):
            deliver()
            clock.now += timedelta(hours=5)
            sync_database_clock()
    told += differing_states(links.rows())
    for _ in range(8):
        run_days(clock, sync_database_clock, deliver, 1)
        told += differing_states(links.rows())
    return told


def missing_mailbox_report(mail_id: int, message_id: str) -> bytes:
    """Return the report of a server that the mailbox does not exist."""
    back = samples(context().return_paths, lambda _: mail_id, message_id)
    return next(one.content for one in back if one.verdict == "hard")


def test_a_bounce_is_not_stored_with_link_mail(
    client: FlaskClient, in_each_state: None, postbox: Postbox, deliver: Callable[[], object], clock: Clock
) -> None:
    links = LinkThief()
    links.request_links(client)
    deliver()
    app_runtime = runtime()
    owed = db.session.execute(select(Mail.id, Mail.message_id).where(Mail.kind == "new_link")).all()
    db.session.rollback()
    for mail_id, message_id in owed:
        process_bounce(missing_mailbox_report(mail_id, message_id or ""), context=context(clock.now))
    assert differing_states(links.rows()) == []
    assert suppression_reason(db.session(), parse_address(address_of("confirmed")), app_runtime.vault) == "bounced"
