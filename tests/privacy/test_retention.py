"""Retention: unconfirmed, withdrawn and long-ended data are purged, and every count stays the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from campaign.config import ROOT
from campaign.domain.announcements.announcement import AnnouncementKind
from campaign.domain.errors import StateError
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.privacy import retention
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import (
    AbuseAlert,
    Announcement,
    Appeal,
    Consent,
    Invalidation,
    LinkRequest,
    LoginFailure,
    Mail,
    PeriodicRun,
    Signature,
    SignUp,
    SpentSolution,
    StaffSession,
    Tombstone,
)
from campaign.platform import Model, db
from campaign.platform.database.clock import TruncatedToDay
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.privacy import processing_record as privacy
from campaign.queries.privacy.processing_record import data_categories
from campaign.services.appeals.lifecycle import close
from campaign.services.counting.verify import verify_counts
from campaign.services.moderation.invalidate import add_invalidation, advance, begin
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.signature import ERASED_COLUMNS
from campaign.services.staff.login import LoginAttempt, count_failure
from tests.attack import Figure
from tests.conftest import DAY, KEYS, START, Clock, Postbox, context, form
from tests.deploy.processes import environment, flask
from tests.staff.staff_clients import join_staff, log_in

URL = "/en/appeals/ana-ruiz-vega/sign"


def purge(now: datetime, may_continue: Callable[[], bool] = lambda: True, batch: int = 3) -> dict[str, int]:
    done = purge_expired(may_continue=may_continue, batch=batch, context=context(now))
    db.session.rollback()
    # Message-IDs, minutes and old keys are purged together with the rest.
    return {name: number for name, number in done.items() if number and name not in {"message ids", "times", "keys"}}


def count_rows(model: Any) -> int:
    return int(db.session.execute(select(func.count()).select_from(model)).scalar_one())


def sign_up(
    client: FlaskClient, deliver: Any, postbox: Postbox, *names: str, confirmed: bool = True, **more: str
) -> None:
    for name in names:
        client.post(URL, data=form(email=f"{name}@mail.example", **more))
    deliver()
    if confirmed:
        for number in range(len(names)):
            assert client.post(postbox.link(-1 - number), data=more).status_code == 303


def test_unconfirmed_data_is_purged_after_thirty_days(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, figure: Figure
) -> None:
    sign_up(client, deliver, postbox, *"abcdefg", confirmed=False)
    sign_up(client, deliver, postbox, "kept")
    assert purge(START + retention.UNCONFIRMED) == {}
    assert (
        purge(START + retention.UNCONFIRMED + DAY / 24)["unconfirmed"] == 8
    )  # including the form of the confirmed signer
    figure("7 rights: of 7 unconfirmed sign-ups left after thirty days", count_rows(SignUp), "0")
    assert count_rows(SignUp) == 0
    assert count_rows(Signature) == count_rows(Consent) == 1
    assert counts(appeal.id).signatures == 1
    assert verify_counts() == []


def test_withdrawn_data_is_purged_after_thirty_days(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, clock: Clock
) -> None:
    sign_up(client, deliver, postbox, "a")
    act = client.post(postbox.link()).location
    client.post(act, data={"channel": "letter", "target": "1"})
    client.post(act.replace("/act", "/me"), data={"signature": "all", "do": "withdraw"})
    assert purge(START + retention.WITHDRAWN) == {}
    assert purge(START + retention.WITHDRAWN + DAY)["withdrawn"] == 1
    assert count_rows(Signature) == count_rows(Consent) == 0
    assert counts(appeal.id).by_channel == {"letter": 1}
    assert verify_counts() == []


def test_addresses_are_purged_some_time_after_closing_and_counts_stay(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    sign_up(client, deliver, postbox, *"abcdefgh", via="stall")
    sign_up(client, deliver, postbox, "w", updates="y")
    before = counts(appeal.id)
    close("ana-ruiz-vega", context=context(START + DAY))
    assert "anonymised" not in purge(START + 180 * DAY)
    assert purge(START + 181 * DAY)["anonymised"] == 8
    rows = db.session.scalars(select(Signature).order_by(Signature.id)).all()
    plain = {name: value for name, value in ERASED_COLUMNS.items() if not isinstance(value, TruncatedToDay)}
    assert [all(getattr(row, name) == value for name, value in plain.items()) for row in rows] == [True] * 8 + [False]
    assert {row.signed_at for row in rows[:8]} == {row.confirmed_at for row in rows[:8]} == {START.replace(hour=0)}
    assert counts(appeal.id) == before
    assert verify_counts() == []
    assert "anonymised" not in purge(START + 182 * DAY)


def test_addresses_of_subscribers_stay_until_the_outcome_was_announced(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    sign_up(client, deliver, postbox, "w", updates="y")
    close("ana-ruiz-vega", context=context())
    assert "anonymised" not in purge(START + 700 * DAY)
    with transaction() as session:
        told = {
            "kind": AnnouncementKind.OUTCOME.value,
            "state": "sent",
            "created_at": START,
            "ended_at": START + 600 * DAY,
        }
        session.add(Announcement(appeal_id=appeal.id, locales=[], after_id=0, **told))
    assert "anonymised" not in purge(START + 629 * DAY)
    assert purge(START + 630 * DAY)["anonymised"] == 1
    assert verify_counts() == []


def test_without_an_outcome_addresses_of_subscribers_stay_two_years(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    sign_up(client, deliver, postbox, "w", updates="y")
    close("ana-ruiz-vega", context=context())
    assert "anonymised" not in purge(START + 729 * DAY)
    assert purge(START + 730 * DAY)["anonymised"] == 1


def test_an_erased_signer_who_signed_again_is_purged_completely(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    sign_up(client, deliver, postbox, "a")
    me = client.post(postbox.link()).location.replace("/act", "/me")
    client.post(me, data={"signature": "all", "do": "erase"})
    sign_up(client, deliver, postbox, "a")
    close("ana-ruiz-vega", context=context())
    assert verify_counts() == []
    purge(START + 180 * DAY)
    assert (count_rows(Signature), count_rows(Tombstone), counts(appeal.id).signatures) == (1, 1, 1)
    assert verify_counts() == []
    purge(START + 731 * DAY)
    assert count_rows(Tombstone) == 0
    assert verify_counts() == []


def test_mails_digests_and_records_are_purged(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    sign_up(client, deliver, postbox, *"abcde")
    client.post(URL, data=form(email="queued@mail.example"))
    long_ago = START - 400 * DAY
    with transaction() as session:
        session.execute(update(Signature).values(network_digest=b"n" * 32))
        session.add(SpentSolution(digest=b"s" * 32, expires_at=START))
        session.add(LinkRequest(email_sealed=b"x", created_at=long_ago))
        session.add(AbuseAlert(kind="rate", appeal_id=0, window_at=long_ago, raised_at=long_ago))
        session.add(PeriodicRun(job="x", due_at=long_ago, claimed_at=long_ago))
    assert purge(START + retention.NETWORKS)["records"] == 4
    assert purge(START + retention.NETWORKS + DAY)["networks"] >= 5
    assert (
        purge(START + retention.MAILS + DAY)["mails"] == 5
    )  # the record of the unconfirmed sign-up was purged with its form
    assert db.session.scalars(select(Mail.state)).all() == ["queued"] * 5  # the thank-you mails are not sent yet
    assert verify_counts() == []


def test_purging_stops_between_two_batches_and_continues(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    sign_up(client, deliver, postbox, *"abcdefg")
    close("ana-ruiz-vega", context=context())
    asked: list[int] = []

    def twice() -> bool:
        asked.append(1)
        return len(asked) <= 7

    first = purge(START + 180 * DAY, twice, batch=2)
    assert 0 < first["anonymised"] < 7
    assert verify_counts() == []
    assert first["anonymised"] + purge(START + 180 * DAY, batch=2)["anonymised"] == 7
    assert verify_counts() == []


def test_the_report_counts_stored_and_overdue_rows(
    app: Flask,
    client: FlaskClient,
    appeal: AppealView,
    deliver: Any,
    postbox: Postbox,
    clock: Clock,
    sync_database_clock: Callable[[], None],
) -> None:
    sign_up(client, deliver, postbox, "a", confirmed=False)
    result = app.test_cli_runner().invoke(args=["privacy", "report", "--json"])
    assert result.exit_code == 0, result.output
    found = {row["what"].partition(":")[0]: row for row in json.loads(result.output)}
    assert found["sign-ups not confirmed"]["rows"] == 1
    assert all(one["why"] and one["basis"] and one["until"] for one in found.values())
    clock.now += 31 * DAY
    late = app.test_cli_runner().invoke(args=["privacy", "report"])
    assert (late.exit_code, "1 TOO LONG" in late.output) == (1, True)
    assert "set them right" in app.test_cli_runner().invoke(args=["privacy", "prune"]).output
    sync_database_clock()
    assert "unconfirmed" in app.test_cli_runner().invoke(args=["privacy", "prune"]).output
    assert app.test_cli_runner().invoke(args=["privacy", "report"]).exit_code == 0


# Tables without personal data, or whose persons are reported with another table.
NOT_REPORTED = {
    "abuse_alert", "announcement", "announcement_text", "appeal_text", "audit_head", "clock_offset", "domain_rate",
    "domain_watch", "funnel_count", "handover_part", "imported_document", "invalidated_action", "month_key",
    "passkey", "periodic_run", "queue_pause", "rollup_progress", "row_key", "section", "site_text", "spent_solution",
    "tally", "tally_hour", "target", "worker",
}  # fmt: skip


def test_the_report_covers_every_table() -> None:
    reported = {
        value.__tablename__ for value in vars(privacy).values() if isinstance(value, type) and issubclass(value, Model)
    }
    assert set(Model.metadata.tables) - reported == NOT_REPORTED


def test_unused_previews_and_old_log_ins_are_purged(app: Flask, appeal: AppealView) -> None:
    staff_id, vault = join_staff(app, "ana@staff.example", Role.EDITOR), runtime().vault
    scope = Scope(staff_id, Role.EDITOR, "fr")
    act = add_invalidation(Criteria(pattern="jeanne"), None, context=context(START, staff_actor(scope)))
    advance(context=context(vault=vault), only=act)
    log_in(app, "ana@staff.example")
    count_failure(LoginAttempt("ana@staff.example", "192.0.2.0/24", None), context=context(vault=vault))
    purge(START + retention.CRITERIA)
    assert count_rows(Invalidation) - count_values(Invalidation.criteria_sealed) == 0
    assert count_rows(LoginFailure) == count_rows(StaffSession) == 0
    late = data_categories(now=START + retention.CRITERIA + 2 * DAY, days=180)
    assert [one.overdue for one in late if "chose signatures" in one.what] == [1]
    purge(START + retention.CRITERIA + DAY)
    assert count_values(Invalidation.criteria_sealed) == 0
    with pytest.raises(StateError):
        begin(act, "late", context=context(START, staff_actor(scope)))


def count_values(column: Any) -> int:
    return int(db.session.execute(select(func.count(column))).scalar_one())


@pytest.mark.slow
def test_a_terminated_run_leaves_every_count_exact(app: Flask, appeal: AppealView, database_url: str) -> None:
    at = START - 60 * DAY
    with transaction() as session:
        session.connection().execute(
            SignUp.__table__.insert(),  # type: ignore[attr-defined]
            [
                {"id": number, "appeal_id": appeal.id, "section_code": "fr", "origin_sealed": b"o" * 40, "locale": "en",
                 "address_digest": number.to_bytes(32, "big"), "content_digest": bytes(32), "link_key": bytes(16),
                 "name_sealed": b"n" * 40, "email_sealed": b"e" * 50, "text_language": "en", "text_version": 1,
                 "wording": 1, "signed_at": at}
                for number in range(40_000)
            ],
        )  # fmt: skip
    db.session.remove()
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=database_url)
    command = [sys.executable, "-m", "flask", "privacy", "prune"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while count_rows(SignUp) == 40_000:
        db.session.rollback()
        assert time.monotonic() < end
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, "stopped, run it again" in said) == (0, True)
    db.session.rollback()
    assert 0 < count_rows(SignUp) < 40_000
    assert "unconfirmed" in flask(environ, "privacy", "prune")
    db.session.rollback()
    assert count_rows(SignUp) == 0
    assert verify_counts() == []
    assert db.session.scalar(select(func.count()).select_from(Appeal)) == 1
