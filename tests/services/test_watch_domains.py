"""Mail domains from which many confirm for the first time: noticed, told, shown, and taken out together."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign.domain.staff import Role, Scope
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import Alarm, MailDomain
from campaign.queries.appeal import AppealView
from campaign.queries.counts import counts
from campaign.queries.new_domains import new_domains
from campaign.services.retain import retain
from campaign.services.verify import verify
from campaign.services.watch_domains import MANY, watch_domains
from campaign.web import guard
from campaign.web.abuse_limits import limits
from tests.conftest import DAY, START, Postbox, form, link_of, text_of
from tests.services.test_invalidate import signed
from tests.web.staff.room import csrf, join, staffed

pytestmark = pytest.mark.slow

LATER = START + timedelta(minutes=1)


def watch(at: Any = LATER, batch: int = 7) -> None:
    """What the worker does each minute, in small batches."""
    vault, site = runtime().vault, "http://localhost"
    while watch_domains(now=at, vault=vault, base_url=site, mail_domain="tocsin.example", batch=batch):
        pass


def kinds() -> list[str]:
    found = list(db.session.scalars(select(Alarm.kind)))
    db.session.rollback()
    return found


def crowd(appeal: AppealView, domain: str, number: int, at: Any = START, first: int = 0) -> list[int]:
    names = "ABCDEFGHIJ"
    return [
        signed(appeal, f"Bot {names[n // 10 % 10]}{names[n % 10]}", f"b{first + n}@{domain}", at=at)
        for n in range(number)
    ]


def test_many_from_one_new_domain_are_told_of_once_to_their_section(
    app: Flask, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for name, role, section in (("fr", Role.EDITOR, "fr"), ("be", Role.EDITOR, "be-nl"), ("boss", Role.ADMIN, "ki")):
        join(app, f"{name}@staff.example", role, section)
    deliver()
    before = len(postbox.messages)
    crowd(appeal, "catchall.example", MANY - 1)
    watch()
    assert kinds() == []
    crowd(appeal, "catchall.example", 2, first=100)
    watch()
    watch()
    assert kinds() == ["new-domain"]
    deliver()
    told = dict(zip(postbox.recipients, map(text_of, postbox.messages), strict=True))
    alerts = {to for to in postbox.recipients[before:] if to.endswith("@staff.example")}
    assert alerts == {"fr@staff.example", "boss@staff.example"}
    assert "/staff/moderation/domains" in told["fr@staff.example"]
    assert "catchall.example" not in told["fr@staff.example"]


def test_a_large_provider_and_a_domain_known_for_long_are_no_news(appeal: AppealView) -> None:
    crowd(appeal, "gmail.com", MANY)
    crowd(appeal, "school.example", 1)
    watch()
    crowd(appeal, "school.example", MANY, at=START + 8 * DAY, first=100)
    watch(START + 8 * DAY + timedelta(minutes=1))
    assert kinds() == []
    assert db.session.execute(select(MailDomain.first_on, MailDomain.last_on, MailDomain.confirmed)).all() == [
        (START.date(), (START + 8 * DAY).date(), MANY + 1)
    ]


def test_nothing_is_counted_twice_and_the_unconfirmed_never(client: FlaskClient, appeal: AppealView) -> None:
    crowd(appeal, "one.example", 10)
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="w@two.example"))
    for _ in range(3):
        watch(batch=3)
    assert db.session.scalars(select(MailDomain.confirmed)).all() == [10]


def test_a_domain_is_forgotten_after_three_months(appeal: AppealView) -> None:
    crowd(appeal, "one.example", 1)
    watch()
    retain(now=START + 89 * DAY, days=180, go_on=lambda: True, vault=runtime().vault)
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 1
    retain(now=START + 92 * DAY, days=180, go_on=lambda: True, vault=runtime().vault)
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 0


def test_eight_catch_all_domains_are_shown_and_taken_out_at_once(app: Flask, appeal: AppealView) -> None:
    """The attack: each mailbox confirms by itself, each domain stays under every limit."""
    real = [signed(appeal, f"Person {n}", f"p{n}@gmail.com") for n in "ABC"]
    for number in range(8):
        crowd(appeal, f"catch{number}.example", MANY)
    crowd(appeal, "mailinator.com", 2)
    watch()
    assert kinds() == ["new-domain"]
    by = Scope(1, Role.EDITOR, "fr")
    found = new_domains(by, runtime().vault, now=LATER)
    assert {one.domain: (one.signed, one.confirmed) for one in found} == {
        **{f"catch{number}.example": (MANY, MANY) for number in range(8)},
        "mailinator.com": (2, 2),
    }
    assert [one.domain for one in found if one.is_disposable] == ["mailinator.com"]
    db.session.rollback()
    editor = staffed(app, Role.EDITOR)
    page = editor.get("/staff/moderation/domains")
    assert len(re.findall('name="domains"', page.text)) == 9
    assert page.text.count("disposable") == 1
    chosen = {"csrf_token": csrf(page), "domains": [f"catch{number}.example" for number in range(8)]}
    made = editor.post("/staff/moderation/invalidations", data=chosen)
    assert made.status_code == 303
    look = editor.get(made.location)
    assert f"Take {8 * MANY} signatures out" in look.text
    editor.post(f"{made.location}/begin", data={"csrf_token": csrf(look), "reason": "catch-all domains"})
    db.session.rollback()
    assert (counts(appeal.id).total, verify()) == (len(real) + 2, [])


def test_very_many_confirmations_from_one_network_are_told_of_and_count(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    guard.init_app(app)
    monkeypatch.setitem(guard._CONFIRMED_BY_NETWORK, "/24", limits("2 per minute"))
    for number in range(3):
        client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email=f"p{number}@d{number}.example"))
    deliver()
    for message in list(postbox.messages):
        assert client.post(link_of(message)).status_code == 303
    assert counts(appeal.id).total == 3
    db.session.rollback()
    assert kinds() == ["confirmed-network"]
