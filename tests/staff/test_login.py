"""Accounts: invitation, log-in, second factor, throttle, sessions, freshness."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.domain.errors import StateError
from campaign.domain.staff.lifetimes import INVITATION_LIFETIME, SESSION_LIFETIME
from campaign.domain.staff.roles import TWO_FACTOR_ROLES, Role
from campaign.models import Mail, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.staff.accounts import change_account
from tests.conftest import Clock, Postbox, context, text_of
from tests.staff.staff_clients import (
    PASSWORD,
    code_for,
    csrf,
    invitation_path,
    join_staff,
    log_in,
    path_of,
    staff_client,
)

Deliver = Callable[[], dict[str, int]]


def without_random_parts(page: str) -> str:
    """Return the page without the parts that differ at each request."""
    return re.sub(r'value="[^"]{60,}"', "", page)


def test_the_invitation_is_mailed_and_opens_the_account_once(
    app: Flask, client: FlaskClient, deliver: Deliver, postbox: Postbox
) -> None:
    link = invitation_path()
    deliver()
    assert postbox.recipients == ["ana@staff.example"]
    assert link in text_of(postbox.messages[0])
    page = client.get(link)
    assert page.status_code == 200
    short = client.post(link, data={"password": "short", "csrf_token": csrf(page)})
    assert short.status_code == 422
    assert "at least 12" in short.text
    done = client.post(link, data={"password": PASSWORD, "csrf_token": csrf(page)})
    assert (done.status_code, done.location) == (303, "/staff/login")
    assert client.get(link).status_code == 410
    log_in(app, "ana@staff.example")
    assert db.session.scalars(select(Staff.password)).one().startswith("$argon2id$")  # type: ignore[union-attr]


def test_only_the_newest_invitation_is_valid_until_it_expires(client: FlaskClient, clock: Clock) -> None:
    first = invitation_path()
    clock.now += timedelta(minutes=1)
    second = invitation_path()
    assert client.get(first).status_code == 410
    assert client.get(second).status_code == 200
    clock.now += INVITATION_LIFETIME
    assert client.get(second).status_code == 410


def test_an_account_is_not_invited_again(app: Flask) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    with pytest.raises(StateError):
        invitation_path("Ana@Staff.example", Role.ADMIN)


def test_a_wrong_address_and_a_wrong_password_get_the_same_answer(app: Flask, client: FlaskClient) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    token = csrf(client.get("/staff/login"))
    pages = [
        client.post("/staff/login", data={"email": email, "password": "not this one", "csrf_token": token}).text
        for email in ("ana@staff.example", "bob@staff.example")
    ]
    assert without_random_parts(pages[0]).replace("ana@", "") == without_random_parts(pages[1]).replace("bob@", "")


def test_a_role_that_needs_a_second_factor_must_set_it_up_first(app: Flask) -> None:
    staff_id = join_staff(app, "ana@staff.example", Role.EDITOR)
    desk = log_in(app, "ana@staff.example")
    assert desk.get("/staff/").status_code == 200
    with transaction() as session:
        staff = session.get_one(Staff, staff_id)
        staff.tf_primary_method = staff.tf_totp_secret = staff.tf_last_counter = None
    for path in ("/staff/", "/staff/account", "/staff/moderation", "/staff/appeals", "/staff/accounts"):
        assert (desk.get(path).status_code, desk.get(path).location) == (302, "/staff/tf-setup"), path
    page = desk.get("/staff/tf-setup")
    assert "Your role needs more than a password" in page.text
    shown = desk.post("/staff/tf-setup", data={"setup": "authenticator", "csrf_token": csrf(page)})
    key = re.findall(r"<code>([^<]+)</code>", shown.text)[0].replace("-", "")
    place = re.findall(r'action="(/staff/tf-setup/[^"]+)"', shown.text)[0]
    code = TOTP(key=key, format="base32").generate().token
    assert desk.post(place, data={"code": code, "csrf_token": csrf(shown)}).status_code == 302
    assert desk.get("/staff/moderation").status_code == 200


@pytest.mark.parametrize("role", sorted(TWO_FACTOR_ROLES))
def test_roles_that_see_names_or_publish_need_a_second_factor(app: Flask, client: FlaskClient, role: Role) -> None:
    link = invitation_path("cleo@staff.example", role)
    client.post(link, data={"password": PASSWORD, "csrf_token": csrf(client.get(link))})
    token = csrf(client.get("/staff/login"))
    answer = client.post(
        "/staff/login", data={"email": "cleo@staff.example", "password": PASSWORD, "csrf_token": token}
    )
    assert "/staff/tf-setup" in answer.location
    assert client.get("/staff/").location.startswith("/staff/login")
    page = client.get(answer.location)
    assert "Your role needs more than a password" in page.text
    refused_answer = client.post("/staff/tf-setup", data={"setup": "disable", "csrf_token": csrf(page)})
    assert refused_answer.status_code == 200
    assert client.get("/staff/").status_code == 302


def test_a_code_is_accepted_once(app: Flask) -> None:
    join_staff(app, "cleo@staff.example", Role.COORDINATOR)
    code = code_for(app, "cleo@staff.example")
    log_in(app, "cleo@staff.example")
    browser = app.test_client()
    data = {"email": "cleo@staff.example", "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
    page = browser.get(browser.post("/staff/login", data=data).location)
    answer = browser.post("/staff/tf-validate", data={"code": code, "csrf_token": csrf(page)})
    assert "used already" in answer.text
    assert browser.get("/staff/").status_code == 302


def test_guessing_blocks_other_browsers_but_not_the_known_one(app: Flask, clock: Clock) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    desk = log_in(app, "ana@staff.example")
    desk.post("/staff/logout", data={"csrf_token": csrf(desk.get("/staff/account"))})
    stranger = app.test_client()
    token = csrf(stranger.get("/staff/login"))

    def guess(password: str) -> str:
        sent = {"email": "ana@staff.example", "password": password, "csrf_token": token}
        answer = stranger.post("/staff/login", data=sent)
        return "in" if answer.status_code == 302 else answer.text

    assert all("do not belong together" in guess(f"guess number {number}") for number in range(10))
    assert "Too many attempts" in guess(PASSWORD)
    log_in(app, "ana@staff.example", desk)
    clock.now += timedelta(minutes=15)
    assert guess(PASSWORD) == "in"


def test_a_mailed_link_logs_in_a_new_browser_during_an_attack(
    app: Flask, client: FlaskClient, deliver: Deliver, postbox: Postbox
) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    deliver()
    token = csrf(client.get("/staff/login"))
    for number in range(10):
        sent = {"email": "ana@staff.example", "password": f"guess {number}", "csrf_token": token}
        client.post("/staff/login", data=sent)
    new_browser = app.test_client()
    token = csrf(new_browser.get("/staff/reset"))
    new_browser.post("/staff/reset", data={"email": "ana@staff.example", "csrf_token": token})
    deliver()
    link = path_of(next(line for line in text_of(postbox.messages[-1]).splitlines() if "/reset/" in line))
    new = {"password": PASSWORD, "password_confirm": PASSWORD, "csrf_token": csrf(new_browser.get(link))}
    new_browser.post(link, data=new)
    log_in(app, "ana@staff.example", new_browser)
    with pytest.raises(AssertionError, match="Too many"):
        log_in(app, "ana@staff.example", client)


def ask_for_link(browser: FlaskClient, email: str, network: str = "127.0.0.1") -> TestResponse:
    token = csrf(browser.get("/staff/reset"))
    sent = {"email": email, "csrf_token": token}
    return browser.post("/staff/reset", data=sent, environ_base={"REMOTE_ADDR": network})


def test_forged_requests_for_a_link_do_not_block_genuine_ones(
    app: Flask, client: FlaskClient, deliver: Deliver, postbox: Postbox, clock: Clock
) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    desk = log_in(app, "ana@staff.example")
    deliver()
    before = len(postbox.messages)
    forged = {without_random_parts(ask_for_link(client, "ana@staff.example").text) for _ in range(30)}
    assert len(forged) == 1, "the answers do not reveal whether a further mail was sent"
    new_browser = app.test_client()
    answer = ask_for_link(new_browser, "ana@staff.example", "192.0.2.7")
    assert without_random_parts(answer.text) == forged.pop()
    deliver()
    mailed = postbox.messages[before:]
    assert len(mailed) == 3, "a mailbox is not flooded"
    clock.now += timedelta(minutes=14)
    link = path_of(next(line for line in text_of(mailed[0]).splitlines() if "/reset/" in line))
    new = {"password": PASSWORD, "password_confirm": PASSWORD, "csrf_token": csrf(new_browser.get(link))}
    assert new_browser.post(link, data=new).location == "/staff/login"
    log_in(app, "ana@staff.example", new_browser)
    ask_for_link(desk, "ana@staff.example")
    deliver()
    assert len([message for message in postbox.messages[before:] if "/reset/" in text_of(message)]) == 4, (
        "the known browser gets its link too"
    )


def test_the_log_in_pages_are_in_the_readers_language(app: Flask, client: FlaskClient) -> None:
    token = csrf(client.get("/staff/reset"))
    sent = {"email": "nobody@staff.example", "csrf_token": token}
    answer = client.post("/staff/reset", data=sent, headers={"Accept-Language": "fr"})
    assert "un message est en route" in answer.text
    sent |= {"password": "wrong"}
    answer = client.post("/staff/login", data=sent, headers={"Accept-Language": "de"})
    assert "gehören nicht zusammen" in answer.text


def test_many_requests_for_links_block_their_own_network_only(app: Flask, client: FlaskClient) -> None:
    for number in range(60):
        assert "on its way" in ask_for_link(client, f"p{number}@staff.example").text
    assert "too many links" in ask_for_link(client, "ana@staff.example").text
    assert "on its way" in ask_for_link(client, "ana@staff.example", "192.0.2.7").text


def test_guessing_at_many_accounts_from_one_network_is_limited_too(app: Flask, client: FlaskClient) -> None:
    token = csrf(client.get("/staff/login"))
    for number in range(60):
        client.post(
            "/staff/login", data={"email": f"p{number}@staff.example", "password": "guess", "csrf_token": token}
        )
    answer = client.post("/staff/login", data={"email": "new@staff.example", "password": "x", "csrf_token": token})
    assert "Too many attempts" in answer.text


def test_a_reset_link_sets_a_password_and_ends_every_log_in(
    app: Flask, client: FlaskClient, deliver: Deliver, postbox: Postbox
) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    desk = log_in(app, "ana@staff.example")
    deliver()
    token = csrf(client.get("/staff/reset"))
    known_answer = client.post("/staff/reset", data={"email": "ana@staff.example", "csrf_token": token})
    unknown = client.post("/staff/reset", data={"email": "bob@staff.example", "csrf_token": token})
    assert known_answer.status_code == unknown.status_code == 200
    assert without_random_parts(known_answer.text).replace("ana@", "") == without_random_parts(unknown.text).replace(
        "bob@", ""
    )
    deliver()
    link = path_of(next(line for line in text_of(postbox.messages[-1]).splitlines() if "/reset/" in line))
    page = client.get(link)
    new = {"password": "another four words", "password_confirm": "another four words", "csrf_token": csrf(page)}
    assert client.post(link, data=new).location == "/staff/login"
    assert desk.get("/staff/").status_code == 302
    assert client.get(link).status_code == 302


def test_a_new_password_ends_every_other_log_in(app: Flask) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    here, there = log_in(app, "ana@staff.example"), log_in(app, "ana@staff.example")
    new = "another four words"
    data = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    changed = here.post("/staff/change", data={**data, "csrf_token": csrf(here.get("/staff/change"))})
    assert changed.location.endswith("/staff/account")
    assert there.get("/staff/").location.startswith("/staff/login")
    with pytest.raises(AssertionError):
        log_in(app, "ana@staff.example")


def test_a_recovery_code_logs_in_once(app: Flask, client: FlaskClient) -> None:
    join_staff(app, "cleo@staff.example", Role.COORDINATOR)
    desk = log_in(app, "cleo@staff.example")
    token = csrf(desk.get("/staff/mf-recovery-codes"))
    answer = desk.post("/staff/mf-recovery-codes", data={"generate_codes": "y", "csrf_token": token})
    code = re.findall(r"<code[^>]*>([^<]+)</code>", answer.text)[0]

    def let_in(browser: FlaskClient) -> bool:
        login = {"email": "cleo@staff.example", "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
        assert "tf-validate" in browser.post("/staff/login", data=login).location
        page = browser.get("/staff/mf-recovery")
        browser.post("/staff/mf-recovery", data={"code": code, "csrf_token": csrf(page)})
        return browser.get("/staff/").status_code == 200

    assert let_in(client)
    assert not let_in(app.test_client())


def test_a_cookie_is_invalid_after_logging_out(app: Flask) -> None:
    desk = staff_client(app, Role.VIEWER)
    cookie = desk.get_cookie("tocsin-staff", path="/staff")
    assert cookie is not None
    desk.post("/staff/logout", data={"csrf_token": csrf(desk.get("/staff/account"))})
    thief = app.test_client()
    thief.set_cookie("tocsin-staff", cookie.value, path="/staff")
    assert thief.get("/staff/account").location.startswith("/staff/login")


def test_a_log_in_expires(app: Flask, clock: Clock) -> None:
    desk = staff_client(app, Role.VIEWER)
    clock.now += SESSION_LIFETIME
    assert desk.get("/staff/account").status_code == 302


def test_a_changed_role_ends_the_log_in_at_once(app: Flask) -> None:
    staff_id = join_staff(app, "ana@staff.example", Role.EDITOR)
    desk = log_in(app, "ana@staff.example")
    app_runtime = runtime()
    change_account(staff_id, role=Role.VIEWER, section="fr", active=True, context=context(app_runtime.clock()))
    assert desk.get("/staff/account").location.startswith("/staff/login")


def test_an_ended_account_does_not_log_in(app: Flask, client: FlaskClient) -> None:
    staff_id = join_staff(app, "ana@staff.example", Role.EDITOR)
    app_runtime = runtime()
    change_account(staff_id, role=Role.EDITOR, section="fr", active=False, context=context(app_runtime.clock()))
    with pytest.raises(AssertionError):
        log_in(app, "ana@staff.example", client)


def test_logging_in_makes_a_new_session(app: Flask, client: FlaskClient) -> None:
    join_staff(app, "ana@staff.example", Role.VIEWER)
    before = csrf(client.get("/staff/login"))
    log_in(app, "ana@staff.example", client)
    answer = client.post("/staff/account", data={"locale": "fr", "csrf_token": before})
    assert answer.status_code == 400


def test_a_form_from_another_site_is_refused(app: Flask) -> None:
    desk = staff_client(app, Role.VIEWER)
    assert desk.post("/staff/account", data={"locale": "fr"}).status_code == 400
    token = csrf(desk.get("/staff/account"))
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert desk.post("/staff/account", data={"locale": "fr", "csrf_token": token}, headers=headers).status_code == 403


def test_changing_staff_asks_for_the_password_again_after_a_while(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = staff_client(app, Role.ADMIN)
    token = csrf(desk.get("/staff/accounts"))
    invite_form = {"email": "new@staff.example", "role": "viewer", "section": "fr", "locale": "fr", "csrf_token": token}
    monkeypatch.setattr("campaign.web.staff.staff.access.time", lambda: time.time() + 16 * 60)
    answer = desk.post("/staff/accounts", data=invite_form, headers={"Referer": "http://localhost/staff/accounts"})
    assert answer.location.startswith("/staff/verify?next=/staff/accounts")
    assert db.session.query(Staff).count() == 1
    monkeypatch.undo()
    assert desk.post("/staff/accounts", data=invite_form).status_code == 303
    db.session.rollback()
    assert db.session.query(Mail).count() == 2


@pytest.mark.parametrize("action", ["publish", "close", "stop"])
def test_irreversible_actions_ask_for_the_password_again(
    app: Flask, appeal: AppealView, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = staff_client(app, Role.COORDINATOR)
    token = csrf(desk.get(f"/staff/appeals/{appeal.slug}/edit"))
    headers = {"Referer": f"http://localhost/staff/appeals/{appeal.slug}/edit"}
    monkeypatch.setattr("campaign.web.staff.staff.access.time", lambda: time.time() + 16 * 60)
    answer = desk.post(f"/staff/appeals/{appeal.slug}/{action}", data={"csrf_token": token}, headers=headers)
    assert answer.location.startswith(f"/staff/verify?next=/staff/appeals/{appeal.slug}/edit")
    found = find_appeal(appeal.slug)
    assert found is not None
    assert found.state == "open"


def test_cookies_have_the_required_attributes(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/staff/login")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store" or "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in client.get("/en/").headers
