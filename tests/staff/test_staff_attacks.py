"""Attacks on staff accounts by leaked passwords, guessed codes and stolen cookies fail; the owner can log in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.lifetimes import SESSION_LIFETIME
from campaign.domain.staff.roles import Role
from campaign.platform.runtime import runtime
from campaign.services.staff.accounts import change_account
from campaign.services.staff.login import MAX_FOR_ACCOUNT, MAX_FROM_NETWORK, WINDOW
from tests.attack import IS_ATTACK, Figure
from tests.conftest import Clock, Postbox, context, text_of
from tests.staff.staff_clients import PASSWORD, code_for, csrf, join_staff, log_in, path_of

pytestmark = pytest.mark.slow

ANA, CLEO = "ana@staff.example", "cleo@staff.example"
TRIES = 10_000 if IS_ATTACK else 400
ROUNDS = 200 if IS_ATTACK else 3
WINDOWS = 4
COOKIES = ("tocsin-staff", "tocsin-device")


def is_logged_in(browser: FlaskClient) -> bool:
    """Return whether the browser is logged in."""
    return browser.get("/staff/account").status_code == 200


class PasswordGuesser:
    """An attacker who guesses passwords from many networks; each try has new cookies and a valid form token."""

    def __init__(self, app: Flask) -> None:
        self._browser = app.test_client()
        self._token = csrf(self._browser.get("/staff/login"))
        self.tries = self.entered = 0

    def guess(self, email: str, password: str, network: int) -> None:
        """Guess once from the network of that number."""
        address = f"203.{network // 250}.{network % 250}.7"
        sent = {"email": email, "password": password, "csrf_token": self._token}
        answer = self._browser.post("/staff/login", data=sent, environ_base={"REMOTE_ADDR": address})
        self.tries += 1
        self.entered += answer.status_code != 200


def test_guessing_one_account_from_many_networks_fails_and_its_owner_can_log_in(
    app: Flask, clock: Clock, figure: Figure
) -> None:
    join_staff(app, ANA, Role.VIEWER)
    desk, attacker, owner = log_in(app, ANA), PasswordGuesser(app), 0
    each = TRIES // WINDOWS
    for _ in range(WINDOWS):
        for number in range(each):
            # One in twenty guesses is the right password, but none of the first.
            is_right = number >= MAX_FOR_ACCOUNT and number % 20 == 13
            attacker.guess(ANA, PASSWORD if is_right else f"leaked password {number}", number)
        desk.post("/staff/logout", data={"csrf_token": csrf(desk.get("/staff/account"))})
        owner += is_logged_in(log_in(app, ANA, desk))
        clock.now += WINDOW
    figure(f"8 staff: stuffing one account, {attacker.tries:,} tries: got in", attacker.entered, "0")
    figure("8 staff: its owner meanwhile: got in, of times", f"{owner}/{WINDOWS}", "all")
    assert (attacker.tries, attacker.entered, owner) == (TRIES, 0, WINDOWS)
    PasswordGuesser(app).guess(ANA, PASSWORD, 1)
    assert is_logged_in(log_in(app, ANA))  # a new browser is accepted again once the guessing has ended


def test_guessing_many_accounts_from_one_network_is_stopped(app: Flask, figure: Figure) -> None:
    emails = [f"p{number}@staff.example" for number in range(20)]
    for email in emails:
        join_staff(app, email, Role.VIEWER)
    desk, attacker = log_in(app, emails[0]), PasswordGuesser(app)
    for number in range(TRIES):
        known = number >= MAX_FROM_NETWORK
        name = emails[number % 20] if known else f"nobody{number}@staff.example"
        attacker.guess(name, PASSWORD, 1)
    figure(f"8 staff: stuffing many accounts, {attacker.tries:,} tries: got in", attacker.entered, "0")
    assert (attacker.tries, attacker.entered) == (TRIES, 0)
    desk.post("/staff/logout", data={"csrf_token": csrf(desk.get("/staff/account"))})
    assert is_logged_in(log_in(app, emails[0], desk))


def test_a_thief_of_the_password_cannot_guess_a_code(app: Flask, figure: Figure) -> None:
    join_staff(app, CLEO, Role.COORDINATOR)
    thief, entered = app.test_client(), 0
    data = {"email": CLEO, "password": PASSWORD, "csrf_token": csrf(thief.get("/staff/login"))}
    place = thief.post("/staff/login", data=data).location
    assert "tf-validate" in place
    token, right = csrf(thief.get(place)), code_for(app, CLEO)
    for number in range(TRIES):
        is_right = number >= MAX_FOR_ACCOUNT and number % 7 == 0
        wrong = f"{(int(right) + 1 + number) % 1_000_000:06}"
        code = code_for(app, CLEO) if is_right and number % 70 == 0 else right if is_right else wrong
        answer = thief.post("/staff/tf-validate", data={"code": code, "csrf_token": token})
        entered += answer.status_code != 200
    figure(f"8 staff: guessing the second factor, {TRIES:,} tries: got in", entered, "0")
    assert entered == 0
    assert not is_logged_in(thief)


def test_a_code_that_was_used_is_refused(app: Flask, clock: Clock, figure: Figure) -> None:
    join_staff(app, CLEO, Role.COORDINATOR)
    code, desk, entered = code_for(app, CLEO), app.test_client(), 0

    def enter(browser: FlaskClient) -> bool:
        data = {"email": CLEO, "password": PASSWORD, "csrf_token": csrf(browser.get("/staff/login"))}
        place = browser.post("/staff/login", data=data).location
        browser.post("/staff/tf-validate", data={"code": code, "csrf_token": csrf(browser.get(place))})
        return is_logged_in(browser)

    assert enter(desk)
    for number in range(ROUNDS):
        if number % 8 == 0:
            clock.now += WINDOW  # resets the limits, which another test covers; codes follow the real clock
        entered += enter(app.test_client())
    figure(f"8 staff: a code replayed {ROUNDS:,} times: got in", entered, "0")
    assert entered == 0
    assert is_logged_in(desk)


def browser_with_cookies_of(browser: FlaskClient, app: Flask) -> FlaskClient:
    """Return a thief's browser with the cookies of that one."""
    thief, taken = app.test_client(), 0
    for name in COOKIES:
        cookie = browser.get_cookie(name, path="/staff")
        if cookie is not None:
            thief.set_cookie(name, cookie.value, path="/staff")
            taken += 1
    assert taken
    return thief


def test_a_planted_session_is_not_logged_in(app: Flask, figure: Figure) -> None:
    join_staff(app, ANA, Role.VIEWER)
    entered = 0
    for _ in range(ROUNDS):
        attacker = app.test_client()
        attacker.get("/staff/login")
        victim = browser_with_cookies_of(attacker, app)
        log_in(app, ANA, victim)
        assert is_logged_in(victim)
        entered += is_logged_in(attacker)
    figure(f"8 staff: session fixation, {ROUNDS:,} times: got in", entered, "0")
    assert entered == 0


def set_new_password(app: Flask, desk: FlaskClient, deliver: Callable[[], object], postbox: Postbox) -> None:
    new = {"password": PASSWORD, "new_password": PASSWORD + " anew", "new_password_confirm": PASSWORD + " anew"}
    page = desk.get("/staff/change")
    assert desk.post("/staff/change", data={**new, "csrf_token": csrf(page)}).status_code == 302
    assert is_logged_in(desk)


def set_password_by_mail(app: Flask, desk: FlaskClient, deliver: Callable[[], object], postbox: Postbox) -> None:
    browser = app.test_client()
    browser.post("/staff/reset", data={"email": ANA, "csrf_token": csrf(browser.get("/staff/reset"))})
    deliver()
    link = path_of(re.findall(r"\S+/reset/\S+", text_of(postbox.messages[-1]))[0])
    new = {"password": PASSWORD + " anew", "password_confirm": PASSWORD + " anew"}
    assert browser.post(link, data={**new, "csrf_token": csrf(browser.get(link))}).status_code == 302


def log_out(app: Flask, desk: FlaskClient, deliver: Callable[[], object], postbox: Postbox) -> None:
    assert desk.post("/staff/logout", data={"csrf_token": csrf(desk.get("/staff/account"))}).status_code == 302


def changed(**values: object) -> Callable[..., None]:
    def act(app: Flask, *_: object) -> None:
        app_runtime = runtime()
        wanted = {"role": Role.EDITOR, "section": "fr", "active": True} | values
        change_account(_staff_id(), context=context(app_runtime.clock()), **wanted)  # type: ignore[arg-type]

    return act


def _staff_id() -> int:
    from campaign.models import Staff  # noqa: PLC0415
    from campaign.platform import db  # noqa: PLC0415  used here only

    found = db.session.query(Staff).filter_by(email=ANA).one().id
    db.session.rollback()
    return int(found)


CHANGES: dict[str, Callable[..., None]] = {
    "a new password": set_new_password,
    "a password by mail": set_password_by_mail,
    "logging out": log_out,
    "another role": changed(role=Role.VIEWER),
    "another section": changed(section="be-nl"),
    "an ended account": changed(active=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stolen_cookie_is_invalid_after_a_change(
    app: Flask, change: str, deliver: Callable[[], object], postbox: Postbox, figure: Figure
) -> None:
    join_staff(app, ANA, Role.EDITOR)
    desk, elsewhere = log_in(app, ANA), log_in(app, ANA)
    stolen = (
        [browser_with_cookies_of(desk, app), browser_with_cookies_of(elsewhere, app)]
        if change != "logging out"
        else [browser_with_cookies_of(desk, app)]
    )
    assert all(map(is_logged_in, stolen))  # the stolen cookies are valid
    deliver()
    CHANGES[change](app, desk, deliver, postbox)
    entered = sum(map(is_logged_in, stolen))
    figure(f"8 staff: cookies stolen before {change}: got in, of {len(stolen)}", entered, "0")
    assert entered == 0


def test_a_stolen_cookie_expires(app: Flask, clock: Clock, figure: Figure) -> None:
    join_staff(app, ANA, Role.EDITOR)
    thief = browser_with_cookies_of(log_in(app, ANA), app)
    clock.now += SESSION_LIFETIME - timedelta(seconds=1)
    assert is_logged_in(thief)
    clock.now += timedelta(seconds=1)
    figure("8 staff: a cookie stolen twelve hours ago: got in", int(is_logged_in(thief)), "0")
    assert not is_logged_in(thief)
