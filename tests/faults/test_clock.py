"""Machines whose clock is an hour wrong: deadlines shift by that hour at most, and no mail is sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from campaign.document import parse_text
from campaign.domain.announcements.announcement import AnnouncementKind
from campaign.domain.privacy import retention
from campaign.domain.staff.actor import OPERATOR
from campaign.factory import create_app
from campaign.models import Announcement
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.announcements.confirmation_reminders import enqueue_confirmation_reminders
from campaign.services.announcements.deadline_reminders import start_deadline_reminders
from campaign.services.announcements.fan_out import fan_out_all
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import close_expired, publish
from campaign.services.counting.verify import verify_counts
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.periodic.run_once import run_once
from campaign.services.privacy.retention import purge_expired
from tests.attack import Figure
from tests.conftest import DOCUMENT, START, Clock, Postbox, context, form, settings_for

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
SIGN = "/en/appeals/case/sign"
# The section's last moment: 12 April in Paris ends at 22:00 UTC.
END = datetime.fromisoformat("2026-04-12T22:00:00+00:00")


class Machines:
    """Three machines on one database: one clock is right, one is an hour ahead, one is an hour behind."""

    def __init__(self, url: str, folder: Path) -> None:
        self.clock = Clock()
        self.by_error: dict[timedelta, Flask] = {}
        for error in (timedelta(0), HOUR, -HOUR):
            self.by_error[error] = create_app(settings_for(url, folder), clock=self._wrong_by(error))

    def _wrong_by(self, error: timedelta) -> Callable[[], datetime]:
        return lambda: self.clock() + error

    @property
    def with_right_clock(self) -> Flask:
        """Return the machine with the right clock."""
        return self.by_error[timedelta(0)]

    def sign(self, error: timedelta, name: str) -> int:
        """Sign on the machine with that clock error; return the status."""
        answer = self.by_error[error].test_client().post(SIGN, data=form(email=f"{name}@mail.example", updates="y"))
        return answer.status_code

    def run_on_each(self, work: Any) -> None:
        """Run the function on every machine, the one whose clock is ahead first."""
        for error in (HOUR, timedelta(0), -HOUR):
            app = self.by_error[error]
            with app.app_context():
                work(app, self.clock() + error)
                db.session.remove()


@pytest.fixture
def machines(database_url: str, app: Flask, tmp_path: Path) -> Iterator[Machines]:
    """Yield machines with one open appeal until 12 April; `app` empties the tables afterwards."""
    options = ImportOptions(slug="case")
    publish(import_draft(parse_text(DOCUMENT), options, context=context()).slug, context=context())
    db.session.remove()
    three_machines = Machines(database_url, tmp_path)
    yield three_machines
    for public_app in three_machines.by_error.values():
        for app_with_engine in (public_app, public_app.extensions["tocsin_staff"]):
            with app_with_engine.app_context():
                db.engine.dispose()


@pytest.mark.parametrize("error", [timedelta(0), HOUR, -HOUR])
def test_the_deadline_shifts_by_the_clock_error_alone(machines: Machines, error: timedelta) -> None:
    machines.clock.now = END - error - timedelta(seconds=1)
    assert machines.sign(error, "intime") == 303
    machines.clock.now = END - error
    assert machines.sign(error, "late") != 303


def test_an_appeal_is_closed_once(machines: Machines) -> None:
    def close(_app: Flask, now: datetime) -> None:
        closed.extend(close_expired(context=context(now)))

    closed: list[str] = []
    machines.clock.now = END + timedelta(days=1)  # the last section's day ends within a day of it
    machines.run_on_each(close)
    machines.run_on_each(close)
    assert closed == ["case"]


def test_links_made_by_one_machine_work_on_another(machines: Machines, postbox: Postbox) -> None:
    assert machines.sign(HOUR, "early") == 303
    deliver_from(machines.by_error[HOUR], postbox)
    link = postbox.link()
    slow = machines.by_error[-HOUR].test_client()
    assert slow.get(link).status_code == 200
    answer = slow.post(link)
    assert answer.status_code == 303
    assert slow.get(answer.location.replace("/act", "/me")).status_code == 200
    with machines.with_right_clock.app_context():
        assert verify_counts() == []


def deliver_from(app: Flask, postbox: Postbox) -> None:
    with app.app_context():
        deliver_due(connections=1, context=runtime().context(OPERATOR))
        db.session.remove()


def test_no_mail_is_sent_twice(machines: Machines, postbox: Postbox, figure: Figure) -> None:
    """Send confirmations, reminders to confirm and deadline reminders from every machine, each mail once."""
    for number, error in enumerate((timedelta(0), HOUR, -HOUR)):
        assert machines.sign(error, f"a{number}") == 303
        assert machines.sign(error, f"b{number}") == 303
    work_on_each(machines, postbox)
    for number in range(0, 6, 2):
        machines.with_right_clock.test_client().post(postbox.link(number))
    for days in (1, 2, 3, 5, 20, 36, 37, 38, 39, 40, 41):
        machines.clock.now = START + timedelta(days=days)
        work_on_each(machines, postbox)
    # An outbox row no longer names its sign-up once its mail was sent, so the arrived mails are counted.
    arrivals = Counter((message["To"], message["Subject"]) for message in postbox.messages)
    duplicates = [addressed_subject for addressed_subject, times in arrivals.items() if times > 1]
    with machines.with_right_clock.app_context():
        reminders = db.session.execute(select(Announcement.kind, Announcement.section_code)).all()
        db.session.remove()
    figure("10 faults: clocks an hour wrong either way: mailed twice", len(duplicates), "0")
    assert duplicates == []
    assert len(reminders) == len(set(reminders)) >= 1  # one for each section
    assert {kind for kind, _ in reminders} == {AnnouncementKind.DEADLINE_REMINDER}
    by_message = Counter(message["Message-ID"] for message in postbox.messages)
    assert set(by_message.values()) == {1}


def work_on_each(machines: Machines, postbox: Postbox) -> None:
    """Do on each machine the hour's work of its worker, by its own clock."""

    def work(app: Flask, now: datetime) -> None:
        due_at = now.replace(minute=0, second=0, microsecond=0)

        def remind() -> None:
            enqueue_confirmation_reminders(context=context(now))
            start_deadline_reminders(context=context(now))

        run_once("remind", due_at, remind, context=context(now))
        fan_out_all(context=context(now))

    machines.run_on_each(work)
    machines.run_on_each(lambda app, _now: deliver_from(app, postbox))


def test_data_is_purged_at_most_an_hour_early(machines: Machines) -> None:
    assert machines.sign(timedelta(0), "waits") == 303

    def purge(_app: Flask, now: datetime) -> None:
        purged.append(purge_expired(may_continue=lambda: True, context=context(now))["unconfirmed"])

    purged: list[int] = []
    machines.clock.now = START + retention.UNCONFIRMED - HOUR
    machines.run_on_each(purge)
    assert sum(purged) == 0
    machines.clock.now = START + retention.UNCONFIRMED + 2 * HOUR
    machines.run_on_each(purge)
    assert sum(purged) == 1
