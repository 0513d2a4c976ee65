"""Codes, links and buttons that several browsers use at once: one use succeeds.

The browsers send their requests at the same moment, over real connections to each database.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from campaign.document import parse_text
from campaign.domain.staff.roles import Role
from campaign.models import AuditEntry, Staff, StaffSession
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.staff import one_time as once
from campaign.services.staff.accounts import Invitation, invite
from tests.attack import Figure
from tests.conftest import DOCUMENT, Postbox, context, text_of
from tests.staff.staff_clients import PASSWORD, code_for, csrf, join_staff, log_in, make_recovery_codes, path_of

pytestmark = pytest.mark.slow

CLEO = "cleo@staff.example"
BROWSERS = 6


def delay_until_all_have_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Delay each caller of the function until all have read, where the database allows concurrent readers."""
    if db.engine.dialect.name == "sqlite":  # SQLite runs writers one after the other from their first statement
        return
    barrier, function = threading.Barrier(BROWSERS), getattr(once, name)

    def wait_and_call(*args: Any, **named: Any) -> bool:
        barrier.wait(20)
        is_used: bool = function(*args, **named)
        return is_used

    monkeypatch.setattr(f"campaign.web.staff.staff.second_factor.{name}", wait_and_call)


def send_at_once(send: Callable[[FlaskClient], TestResponse], browsers: list[FlaskClient]) -> list[TestResponse]:
    """Send a request from each browser at the same moment; return the answers."""
    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(send, browsers))


def is_logged_in(browser: FlaskClient) -> bool:
    return browser.get("/staff/account").status_code == 200


def browsers_before_second_factor(app: Flask) -> list[FlaskClient]:
    """Return browsers that have sent the right password."""
    browsers = [app.test_client() for _ in range(BROWSERS)]
    for browser in browsers:
        data = {"email": CLEO, "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
        assert "tf-validate" in browser.post("/staff/login", data=data).location
    return browsers


def test_one_code_opens_one_session(app: Flask, figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    join_staff(app, CLEO, Role.COORDINATOR)
    browsers, code = browsers_before_second_factor(app), code_for(app, CLEO)
    tokens = {browser: csrf(browser.get("/staff/tf-validate")) for browser in browsers}
    delay_until_all_have_read(monkeypatch, "use_code")
    send_at_once(
        lambda sender: sender.post("/staff/tf-validate", data={"code": code, "csrf_token": tokens[sender]}), browsers
    )
    opened = sum(map(is_logged_in, browsers))
    figure(f"11 staff: one code used {BROWSERS} times at once: sessions", opened, "1")
    assert opened == count_sessions() == 1


def test_one_recovery_code_opens_one_session(app: Flask, figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    join_staff(app, CLEO, Role.COORDINATOR)
    codes = make_recovery_codes(log_in(app, CLEO))
    browsers = browsers_before_second_factor(app)
    tokens = {browser: csrf(browser.get("/staff/mf-recovery")) for browser in browsers}
    delay_until_all_have_read(monkeypatch, "use_recovery_code")
    send_at_once(
        lambda sender: sender.post("/staff/mf-recovery", data={"code": codes[3], "csrf_token": tokens[sender]}),
        browsers,
    )
    opened = sum(map(is_logged_in, browsers))
    figure(f"11 staff: one recovery code used {BROWSERS} times at once: sessions", opened, "1")
    assert opened == 1
    remaining_codes = db.session.scalars(select(Staff)).one().mf_recovery_codes
    assert len(remaining_codes or []) == len(codes) - 1


def test_two_recovery_codes_used_at_once_are_both_spent(app: Flask) -> None:
    join_staff(app, CLEO, Role.COORDINATOR)
    codes = make_recovery_codes(log_in(app, CLEO))
    browsers = browsers_before_second_factor(app)
    tokens = {browser: csrf(browser.get("/staff/mf-recovery")) for browser in browsers}
    typed = dict(zip(browsers, codes, strict=False))
    send_at_once(
        lambda sender: sender.post("/staff/mf-recovery", data={"code": typed[sender], "csrf_token": tokens[sender]}),
        browsers,
    )
    opened = sum(map(is_logged_in, browsers))
    remaining_codes = db.session.scalars(select(Staff)).one().mf_recovery_codes or []
    assert opened >= 1
    assert len(remaining_codes) == len(codes) - opened, "each session used up one code"


def test_a_challenge_of_a_passkey_is_used_once(app: Flask) -> None:
    """Use up the challenge once, after the library has checked the answer to it."""
    barrier = threading.Barrier(BROWSERS)
    app_runtime = runtime()

    def use(_number: int) -> bool:
        with app.app_context():
            barrier.wait(20)
            with transaction() as session:
                return once.use_challenge(session, "the same", context=context(app_runtime.clock()))

    with ThreadPoolExecutor(BROWSERS) as pool:
        assert sum(pool.map(use, range(BROWSERS))) == 1


def test_a_thief_of_the_password_cannot_replace_the_owners_authenticator(app: Flask) -> None:
    """Let both begin to set one up; the owner finishes first."""
    staff_id = join_staff(app, CLEO, Role.COORDINATOR)
    with transaction() as session:
        staff = session.get_one(Staff, staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = None
    owner, thief = app.test_client(), app.test_client()
    keys, tokens = {}, {}
    for browser in (thief, owner):
        data = {"email": CLEO, "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
        set_up_path = browser.post("/staff/login", data=data).location
        form = {"setup": "authenticator", "csrf_token": csrf(browser.get(set_up_path))}
        set_up_page = browser.post("/staff/tf-setup", data=form)
        keys[browser], tokens[browser] = re.findall(r"<code>([^<]+)</code>", set_up_page.text)[0], csrf(set_up_page)

    def finish(browser: FlaskClient, seconds_ahead: int) -> bool:
        totp = TOTP(key=keys[browser].replace("-", ""), format="base32")
        code = totp.generate(int(totp.now()) + seconds_ahead).token
        browser.post("/staff/tf-validate", data={"code": code, "csrf_token": tokens[browser]})
        return is_logged_in(browser)

    assert finish(owner, 0)
    # With a code of the next half minute, so that it is not refused as already used.
    assert not finish(thief, 30)
    assert is_logged_in(owner)


def test_one_invitation_is_accepted_once(app: Flask) -> None:
    link = path_of(invite(Invitation(CLEO, "fr", Role.VIEWER, "en"), context=context(runtime().clock())))
    browsers = [app.test_client() for _ in range(BROWSERS)]
    data = {
        browser: {"password": f"{PASSWORD} {number}", "csrf_token": csrf(browser.get(link))}
        for number, browser in enumerate(browsers)
    }
    answers = send_at_once(lambda sender: sender.post(link, data=data[sender]), browsers)
    assert sorted(answer.status_code for answer in answers) == [303] + [410] * (BROWSERS - 1)
    assert count_audit_entries("staff.join") == 1


def test_one_reset_link_sets_one_password(app: Flask, deliver: Callable[[], object], postbox: Postbox) -> None:
    join_staff(app, CLEO, Role.VIEWER)
    browsers = [app.test_client() for _ in range(BROWSERS)]
    browsers[0].post("/staff/reset", data={"email": CLEO, "csrf_token": csrf(browsers[0].get("/staff/reset"))})
    deliver()
    link = path_of(next(line for line in text_of(postbox.messages[-1]).splitlines() if "/reset/" in line))
    data: dict[FlaskClient, dict[str, str]] = {}
    for number, browser in enumerate(browsers):
        new_password = f"{PASSWORD} {number}"
        data[browser] = {
            "password": new_password,
            "password_confirm": new_password,
            "csrf_token": csrf(browser.get(link)),
        }
    answers = send_at_once(lambda sender: sender.post(link, data=data[sender]), browsers)
    assert sorted(answer.location for answer in answers) == ["/staff/login"] + ["/staff/reset"] * (BROWSERS - 1)
    assert count_audit_entries("staff.reset-password") == 1
    winner = next(sender for sender, answer in zip(browsers, answers, strict=True) if answer.location == "/staff/login")
    login = {"email": CLEO, "password": data[winner]["password"], "csrf_token": csrf(winner.get("/staff/login"))}
    assert winner.post("/staff/login", data=login).status_code == 302


def test_an_appeal_is_published_once(app: Flask) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="at-once"), context=context()).slug
    barrier = threading.Barrier(BROWSERS)

    def publish_now(_number: int) -> bool:
        with app.app_context():
            barrier.wait(20)
            return publish(slug, context=context())

    with ThreadPoolExecutor(BROWSERS) as pool:
        assert sum(pool.map(publish_now, range(BROWSERS))) == 1
    assert count_audit_entries("appeal.publish") == 1


def count_sessions() -> int:
    return db.session.scalar(select(func.count()).select_from(StaffSession)) or 0


def count_audit_entries(act: str) -> int:
    return db.session.scalar(select(func.count()).where(AuditEntry.act == act)) or 0
