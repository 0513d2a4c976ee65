"""The weekly digest: its recipients, its content, and unsubscribing from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign import tasks
from campaign.domain.staff.roles import Role
from campaign.models import Mail, Staff
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.announcements.weekly_digest import enqueue_digests
from campaign.services.staff.accounts import set_preferences
from tests.conftest import Clock, Postbox, context, text_of
from tests.counting.actions import count_action
from tests.staff.staff_clients import csrf, join_staff, path_of, staff_client

Deliver = Callable[[], Any]


def enqueue_due_digests() -> int:
    app_runtime = runtime()
    return enqueue_digests(context=context(app_runtime.clock()))


def delivered_digests(deliver: Deliver, postbox: Postbox) -> dict[str, str]:
    """Enqueue and deliver the digests; return the text by mailbox."""
    deliver()
    postbox.recipients.clear()
    postbox.messages.clear()
    enqueue_due_digests()
    deliver()
    return dict(zip(postbox.recipients, map(text_of, postbox.messages), strict=True))


def test_subscribers_get_the_week_of_their_section_in_their_language(
    app: Flask, appeal: AppealView, deliver: Deliver, postbox: Postbox
) -> None:
    count_action(appeal, "fr", 1200, 20)
    count_action(appeal, "fr", 34, 2)
    count_action(appeal, "be-nl", 100, 1)
    ana, bob = (
        join_staff(app, "ana@staff.example", Role.VIEWER),
        join_staff(app, "bob@staff.example", Role.VIEWER, "be-nl"),
    )
    join_staff(app, "cleo@staff.example", Role.VIEWER)
    set_preferences(ana, locale="fr", wants_digest=True, context=context())
    set_preferences(bob, locale="en", wants_digest=True, context=context())
    texts = delivered_digests(deliver, postbox)
    assert set(texts) == {"ana@staff.example", "bob@staff.example"}
    assert "Confirmed signatures: 1,334, 134 of them this week" in texts["bob@staff.example"]
    assert "Ours: 100, 100 of them this week" in texts["bob@staff.example"]
    assert "1 334" in texts["ana@staff.example"].replace("\u202f", " ").replace("\xa0", " ")
    assert "/staff/appeals/ana-ruiz-vega" in texts["ana@staff.example"]


def test_unsubscribing_needs_a_click_and_opening_the_page_changes_nothing(
    app: Flask, appeal: AppealView, client: FlaskClient, deliver: Deliver, postbox: Postbox
) -> None:
    ana = join_staff(app, "ana@staff.example", Role.VIEWER)
    set_preferences(ana, locale="en", wants_digest=True, context=context())
    delivered_digests(deliver, postbox)
    message = postbox.messages[-1]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.search(r"<(.+)>", message["List-Unsubscribe"])
    assert link is not None
    path = path_of(link[1])
    page = client.get(path)
    assert page.status_code == 200
    db.session.rollback()
    assert db.session.scalars(select(Staff.wants_digest)).one()
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    db.session.rollback()
    assert not db.session.scalars(select(Staff.wants_digest)).one()
    assert client.post(path).status_code == 200
    assert client.post(path[:-2]).status_code == 404
    db.session.rollback()
    assert enqueue_due_digests() == 0


def test_the_account_page_offers_the_digest(app: Flask, appeal: AppealView) -> None:
    desk = staff_client(app, Role.VIEWER)
    page = desk.get("/staff/account")
    assert 'name="digest" value="y">' in page.text
    desk.post("/staff/account", data={"locale": "en", "digest": "y", "csrf_token": csrf(page)})
    assert 'name="digest" value="y" checked' in desk.get("/staff/account").text


def test_it_is_enqueued_once_a_week_if_an_appeal_is_open(
    app: Flask, clock: Clock, appeal: AppealView, sync_database_clock: Callable[[], None]
) -> None:
    ana = join_staff(app, "ana@staff.example", Role.VIEWER)
    set_preferences(ana, locale="en", wants_digest=True, context=context())
    owed: list[int] = []

    def count() -> int:
        db.session.rollback()
        return len(db.session.scalars(select(Mail.id)).all())

    before = count()
    sync_database_clock()
    for _ in range(2):
        tasks.send_digests()
    owed.append(count() - before)
    clock.now += timedelta(days=7)
    sync_database_clock()
    tasks.send_digests()
    owed.append(count() - before)
    assert owed == [1, 2]
