"""A code, link or button used several times at once, by real connections: one of them succeeds.

Each test lets several browsers send the same at the same moment, on either database.
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
from tests.staff.staff_clients import PASSWORD, code_for, csrf, join, log_in, path_of

pytestmark = pytest.mark.slow

CLEO = "cleo@staff.example"
AT_ONCE = 6


def pass_together(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Delay each caller of the function until all have read, if the database lets them read at once."""
    if db.engine.dialect.name == "sqlite":  # writers come one after the other from their first statement on
        return
    barrier, taking = threading.Barrier(AT_ONCE), getattr(once, name)

    def together(*args: Any, **named: Any) -> bool:
        barrier.wait(20)
        taken: bool = taking(*args, **named)
        return taken

    monkeypatch.setattr(f"campaign.web.staff.staff.second_factor.{name}", together)


def at_once(act: Callable[[FlaskClient], TestResponse], browsers: list[FlaskClient]) -> list[TestResponse]:
    """The answers to what all of them send at the same moment."""
    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(act, browsers))


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/staff/account").status_code == 200


def at_the_second_factor(app: Flask) -> list[FlaskClient]:
    """Browsers from which the right password was sent."""
    browsers = [app.test_client() for _ in range(AT_ONCE)]
    for browser in browsers:
        data = {"email": CLEO, "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
        assert "tf-validate" in browser.post("/staff/login", data=data).location
    return browsers


def test_one_code_opens_one_session(app: Flask, figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    join(app, CLEO, Role.COORDINATOR)
    browsers, code = at_the_second_factor(app), code_for(app, CLEO)
    tokens = {browser: csrf(browser.get("/staff/tf-validate")) for browser in browsers}
    pass_together(monkeypatch, "use_code")
    at_once(lambda one: one.post("/staff/tf-validate", data={"code": code, "csrf_token": tokens[one]}), browsers)
    opened = sum(map(is_in, browsers))
    figure(f"11 staff: one code used {AT_ONCE} times at once: sessions", opened, "1")
    assert opened == sessions() == 1


def test_one_recovery_code_opens_one_session(app: Flask, figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    join(app, CLEO, Role.COORDINATOR)
    codes = recovery_codes(log_in(app, CLEO))
    browsers = at_the_second_factor(app)
    tokens = {browser: csrf(browser.get("/staff/mf-recovery")) for browser in browsers}
    pass_together(monkeypatch, "use_recovery_code")
    at_once(lambda one: one.post("/staff/mf-recovery", data={"code": codes[3], "csrf_token": tokens[one]}), browsers)
    opened = sum(map(is_in, browsers))
    figure(f"11 staff: one recovery code used {AT_ONCE} times at once: sessions", opened, "1")
    assert opened == 1
    left = db.session.scalars(select(Staff)).one().mf_recovery_codes
    assert len(left or []) == len(codes) - 1


def test_two_recovery_codes_used_at_once_are_both_spent(app: Flask) -> None:
    join(app, CLEO, Role.COORDINATOR)
    codes = recovery_codes(log_in(app, CLEO))
    browsers = at_the_second_factor(app)
    tokens = {browser: csrf(browser.get("/staff/mf-recovery")) for browser in browsers}
    typed = dict(zip(browsers, codes, strict=False))
    at_once(lambda one: one.post("/staff/mf-recovery", data={"code": typed[one], "csrf_token": tokens[one]}), browsers)
    opened = sum(map(is_in, browsers))
    left = db.session.scalars(select(Staff)).one().mf_recovery_codes or []
    assert opened >= 1
    assert len(left) == len(codes) - opened, "each session cost a code"


def test_one_answer_to_a_passkey_s_challenge_is_taken_once(app: Flask) -> None:
    """The library has checked the answer; what is taken is its challenge."""
    barrier = threading.Barrier(AT_ONCE)
    at = runtime()

    def take(_number: int) -> bool:
        with app.app_context():
            barrier.wait(20)
            with transaction() as session:
                return once.use_challenge(session, "the same", context=context(at.clock()))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert sum(pool.map(take, range(AT_ONCE))) == 1


def test_who_has_the_password_puts_no_authenticator_in_the_place_of_the_owner_s(app: Flask) -> None:
    """Both have begun to set one up; the owner is quicker."""
    staff_id = join(app, CLEO, Role.COORDINATOR)
    with transaction() as session:
        staff = session.get_one(Staff, staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = None
    owner, thief = app.test_client(), app.test_client()
    keys, tokens = {}, {}
    for browser in (thief, owner):
        data = {"email": CLEO, "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
        place = browser.post("/staff/login", data=data).location
        form = {"setup": "authenticator", "csrf_token": csrf(browser.get(place))}
        shown = browser.post("/staff/tf-setup", data=form)
        keys[browser], tokens[browser] = re.findall(r"<code>([^<]+)</code>", shown.text)[0], csrf(shown)

    def finish(browser: FlaskClient, later: int) -> bool:
        totp = TOTP(key=keys[browser].replace("-", ""), format="base32")
        code = totp.generate(int(totp.now()) + later).token
        browser.post("/staff/tf-validate", data={"code": code, "csrf_token": tokens[browser]})
        return is_in(browser)

    assert finish(owner, 0)
    # In the next half minute, so that the code's own time does not stop it.
    assert not finish(thief, 30)
    assert is_in(owner)


def test_one_invitation_is_accepted_once(app: Flask) -> None:
    link = path_of(invite(Invitation(CLEO, "fr", Role.VIEWER, "en"), context=context(runtime().clock())))
    browsers = [app.test_client() for _ in range(AT_ONCE)]
    data = {
        browser: {"password": f"{PASSWORD} {number}", "csrf_token": csrf(browser.get(link))}
        for number, browser in enumerate(browsers)
    }
    answers = at_once(lambda one: one.post(link, data=data[one]), browsers)
    assert sorted(answer.status_code for answer in answers) == [303] + [410] * (AT_ONCE - 1)
    assert written_down("staff.join") == 1


def test_one_reset_link_sets_one_password(app: Flask, deliver: Callable[[], object], postbox: Postbox) -> None:
    join(app, CLEO, Role.VIEWER)
    browsers = [app.test_client() for _ in range(AT_ONCE)]
    browsers[0].post("/staff/reset", data={"email": CLEO, "csrf_token": csrf(browsers[0].get("/staff/reset"))})
    deliver()
    link = path_of(next(line for line in text_of(postbox.messages[-1]).splitlines() if "/reset/" in line))
    data: dict[FlaskClient, dict[str, str]] = {}
    for number, browser in enumerate(browsers):
        new = f"{PASSWORD} {number}"
        data[browser] = {"password": new, "password_confirm": new, "csrf_token": csrf(browser.get(link))}
    answers = at_once(lambda one: one.post(link, data=data[one]), browsers)
    assert sorted(answer.location for answer in answers) == ["/staff/login"] + ["/staff/reset"] * (AT_ONCE - 1)
    assert written_down("staff.reset-password") == 1
    first = next(one for one, answer in zip(browsers, answers, strict=True) if answer.location == "/staff/login")
    login = {"email": CLEO, "password": data[first]["password"], "csrf_token": csrf(first.get("/staff/login"))}
    assert first.post("/staff/login", data=login).status_code == 302


def test_an_appeal_is_published_once(app: Flask) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="at-once"), context=context()).slug
    barrier = threading.Barrier(AT_ONCE)

    def publish_now(_number: int) -> bool:
        with app.app_context():
            barrier.wait(20)
            return publish(slug, context=context())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert sum(pool.map(publish_now, range(AT_ONCE))) == 1
    assert written_down("appeal.publish") == 1


def recovery_codes(desk: FlaskClient) -> list[str]:
    token = csrf(desk.get("/staff/mf-recovery-codes"))
    made = desk.post("/staff/mf-recovery-codes", data={"generate_codes": "y", "csrf_token": token})
    desk.post("/staff/logout", data={"csrf_token": token})
    return re.findall(r"<code[^>]*>([^<]+)</code>", made.text)


def sessions() -> int:
    return db.session.scalar(select(func.count()).select_from(StaffSession)) or 0


def written_down(act: str) -> int:
    return db.session.scalar(select(func.count()).where(AuditEntry.act == act)) or 0
