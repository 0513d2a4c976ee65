"""After the deadline: each section writes its own continuation, supporters read it, and staff are reminded once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import AppealEndedError, InputError, NotFoundError, StateError
from campaign.domain.staff.actor import SUPPORTER, Actor, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, Mail, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.announcements.deadline_notices import enqueue_deadline_notices
from campaign.services.appeals.lifecycle import close, close_expired, set_continuation, stop
from campaign.services.signing.report_action import record_unsigned_report
from tests.conftest import Clock, Postbox, clear_caches, context, text_of
from tests.staff.staff_clients import join_staff

# The appeal's last day is 12 April 2026; in Paris it ends at 22:00 UTC.
LATER = date(2026, 5, 31)


def staff_actor_with(role: Role, section: str) -> Actor:
    """Return a member of staff with that role there; the account of an unknown section is in another."""
    app_runtime = runtime()
    home = section if section != "nowhere" else "fr"
    email = f"{role}.{home}@office.example"
    known = db.session.scalars(select(Staff.id).where(Staff.email == email)).one_or_none()
    db.session.rollback()
    made = {"email": email, "role": role.value, "section_code": home, "locale": "en", "fs_uniquifier": email}
    if known is None:
        with transaction() as session:
            session.add(Staff(**made, created_at=app_runtime.clock(), invited_at=app_runtime.clock()))
        known = db.session.scalars(select(Staff.id).where(Staff.email == email)).one()
        db.session.rollback()
    return staff_actor(Scope(known, role, section))


def continue_until(appeal: AppealView, until: date | None, section: str = "fr", role: Role = Role.EDITOR) -> None:
    set_continuation(appeal.slug, until, context=context(runtime().clock(), staff_actor_with(role, section)))
    db.session.rollback()


@pytest.fixture
def closed_appeal(app: Flask, clock: Clock, appeal: AppealView) -> AppealView:
    """Return the closed appeal three days after its deadline."""
    clock.now = clock.now.replace(month=4, day=15)
    assert close_expired(context=context(clock.now)) == [appeal.slug]
    db.session.rollback()
    return appeal


def test_supporters_read_the_continuation_of_their_section(
    app: Flask, client: FlaskClient, closed_appeal: AppealView
) -> None:
    page = client.get(f"/en/appeals/{closed_appeal.slug}").text
    assert "check with your national section" in page
    continue_until(closed_appeal, LATER)
    continue_until(closed_appeal, None, "be-nl")
    clear_caches(app)
    page = client.get(f"/en/appeals/{closed_appeal.slug}").text
    assert "These sections go on" in page
    assert "France: until May 31, 2026" in page
    assert "These sections have stopped" in page
    assert "Please check with your section" in page
    french = client.get(f"/en/appeals/{closed_appeal.slug}/act?country=FR").text
    assert "your section goes on with this case until May 31, 2026" in french
    assert "your section goes on" not in client.get(f"/en/appeals/{closed_appeal.slug}/act?country=BE").text


def test_reports_in_a_continuing_section_count_until_its_day_ends(closed_appeal: AppealView, clock: Clock) -> None:
    def send(section: str) -> None:
        record_unsigned_report(
            closed_appeal.id, section, Channel.LETTER, target=1, context=context(clock.now, SUPPORTER)
        )

    with pytest.raises(AppealEndedError):
        send("fr")
    continue_until(closed_appeal, LATER)
    send("fr")
    with pytest.raises(AppealEndedError):
        send("be-nl")
    clock.now = clock.now.replace(month=5, day=31, hour=21, minute=59)
    send("fr")
    clock.now += timedelta(minutes=1)
    with pytest.raises(AppealEndedError):
        send("fr")


def test_a_continuation_that_has_ended_is_shown_as_ended(
    app: Flask, client: FlaskClient, closed_appeal: AppealView, clock: Clock
) -> None:
    continue_until(closed_appeal, LATER)
    clock.now = clock.now.replace(month=6)
    clear_caches(app)
    page = client.get(f"/en/appeals/{closed_appeal.slug}").text
    assert "These sections go on" not in page
    assert "These sections have stopped" in page


def test_a_section_sets_only_its_own_continuation_with_a_valid_day(closed_appeal: AppealView) -> None:
    for until in (date(2026, 4, 12), date(2026, 4, 14)):
        with pytest.raises(InputError):
            continue_until(closed_appeal, until)
    with pytest.raises(NotFoundError):
        continue_until(closed_appeal, LATER, role=Role.VIEWER)
    with pytest.raises(NotFoundError):
        continue_until(closed_appeal, LATER, section="nowhere")
    continue_until(closed_appeal, LATER)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.act, entry.section_code, entry.after) == ("appeal.going-on", "fr", {"fr": "2026-05-31"})


def test_a_stopped_appeal_has_no_continuation(
    app: Flask, client: FlaskClient, appeal: AppealView, clock: Clock
) -> None:
    continue_until(appeal, LATER)
    stop(appeal.slug, context=context(clock.now), outcome={"en": "She is **safe**.", "fr": ""})
    db.session.rollback()
    clear_caches(app)
    page = client.get(f"/en/appeals/{appeal.slug}").text
    assert "These sections go on" not in page
    assert "<strong>safe</strong>" in page
    with pytest.raises(StateError):
        continue_until(appeal, None)


def test_an_open_appeal_shows_no_continuation(app: Flask, client: FlaskClient, appeal: AppealView) -> None:
    continue_until(appeal, LATER)
    clear_caches(app)
    assert "These sections go on" not in client.get(f"/en/appeals/{appeal.slug}").text
    assert "your section goes on" not in client.get(f"/en/appeals/{appeal.slug}/act?country=FR").text


def test_staff_get_one_reminder_before_and_after_in_their_time_zone(
    app: Flask, appeal: AppealView, clock: Clock, deliver: Any, postbox: Postbox
) -> None:
    join_staff(app, "ed@staff.example", Role.EDITOR)
    join_staff(app, "look@staff.example", Role.VIEWER)
    join_staff(app, "co@staff.example", Role.COORDINATOR, "be-nl")
    deliver()
    postbox.recipients.clear()
    postbox.messages.clear()

    def reminded_addresses() -> list[str]:
        enqueue_deadline_notices(context=context(clock.now))
        deliver()
        told = sorted(postbox.recipients)
        postbox.recipients.clear()
        return told

    clock.now = clock.now.replace(month=4, day=9, hour=21, minute=59)
    assert reminded_addresses() == []
    clock.now += timedelta(minutes=1)
    assert reminded_addresses() == ["co@staff.example", "ed@staff.example"]
    assert reminded_addresses() == []
    words = text_of(postbox.messages[-1])
    assert "April 12, 2026" in words
    assert f"/staff/appeals/{appeal.slug}/edit" in words
    continue_until(appeal, LATER)
    clock.now = clock.now.replace(day=12)
    assert reminded_addresses() == ["co@staff.example"]
    assert reminded_addresses() == []
    assert "has passed" in text_of(postbox.messages[-1])


def test_uninvolved_staff_and_late_reminders_get_no_mail(app: Flask, appeal: AppealView, clock: Clock) -> None:
    join_staff(app, "ed@staff.example", Role.EDITOR)
    clock.now = clock.now.replace(month=4, day=20)
    assert enqueue_deadline_notices(context=context(clock.now)) == 0
    clock.now = clock.now.replace(day=11)
    close(appeal.slug, context=context(clock.now))
    assert enqueue_deadline_notices(context=context(clock.now)) == 0
    assert db.session.scalars(select(Mail).where(Mail.kind == "staff_alert")).all() == []
