"""Counters of failed log-ins and of requested links: what each counts separately, and for how long."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from campaign.domain.staff.lifetimes import SESSION_LIFETIME
from campaign.domain.staff.roles import Role
from campaign.models import LoginFailure, StaffSession
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.periodic.clock import MAX_DIFFERENCE
from campaign.services.privacy.retention import purge_expired
from campaign.services.staff.login import (
    MAX_FOR_ACCOUNT,
    MAX_FROM_NETWORK,
    MAX_LINKS,
    WINDOW,
    LinkRequestResult,
    LoginAttempt,
    begin_session,
    count_failure,
    count_request,
    is_allowed,
    is_session_alive,
)
from tests.conftest import DAY, START, Clock, context
from tests.staff.staff_clients import join_staff, log_in, staff_client

HOME, OFFICE = "192.0.2.1", "198.51.100.7"


def fail(attempt: LoginAttempt, times: int, *, later: timedelta = timedelta(0)) -> None:
    for _ in range(times):
        count_failure(attempt, context=context(START + later))


def allowed(attempt: LoginAttempt, *, later: timedelta = timedelta(0)) -> bool:
    found = is_allowed(attempt, now=START + later, vault=runtime().vault)
    db.session.rollback()
    return found


def request_link(attempt: LoginAttempt, *, later: timedelta = timedelta(0)) -> LinkRequestResult:
    return count_request(attempt, context=context(START + later))


def test_failures_are_counted_for_the_account_however_it_is_written(app: Flask) -> None:
    fail(LoginAttempt("ana@staff.example", HOME, None), MAX_FOR_ACCOUNT - 1)
    assert allowed(LoginAttempt("ana@staff.example", OFFICE, None))
    fail(LoginAttempt(" Ana@Staff.example ", HOME, None), 1)
    assert not allowed(LoginAttempt("ANA@staff.example", OFFICE, None))
    assert allowed(LoginAttempt("ben@staff.example", OFFICE, None))


def test_failures_are_counted_for_the_network_whatever_the_account(app: Flask) -> None:
    for number in range(MAX_FROM_NETWORK):
        assert allowed(LoginAttempt(f"{number}@staff.example", HOME, None))
        fail(LoginAttempt(f"{number}@staff.example", HOME, None), 1)
    assert not allowed(LoginAttempt("ana@staff.example", HOME, None))
    assert allowed(LoginAttempt("ana@staff.example", OFFICE, None))


def test_a_known_browser_is_counted_separately(app: Flask) -> None:
    fail(LoginAttempt("ana@staff.example", HOME, None), MAX_FROM_NETWORK)
    assert allowed(LoginAttempt("ana@staff.example", HOME, "desk"))
    fail(LoginAttempt("ana@staff.example", HOME, "desk"), MAX_FOR_ACCOUNT)
    assert not allowed(LoginAttempt("Ana@staff.example", OFFICE, "desk"))
    assert allowed(LoginAttempt("ana@staff.example", HOME, "phone"))
    assert allowed(LoginAttempt("ben@staff.example", HOME, "desk"))


def test_a_window_ends(app: Flask) -> None:
    guess = LoginAttempt("ana@staff.example", HOME, None)
    fail(guess, MAX_FOR_ACCOUNT, later=WINDOW / 2)
    assert not allowed(guess, later=WINDOW - timedelta(microseconds=1))
    assert allowed(guess, later=WINDOW), "windows begin at each quarter of an hour, and so does START"


def test_links_are_counted_for_the_mailbox_and_the_network(app: Flask) -> None:
    stranger = LoginAttempt("ana@staff.example", HOME, None)
    assert [request_link(stranger) for _ in range(MAX_LINKS)] == [LinkRequestResult.MAILED] * MAX_LINKS
    assert request_link(LoginAttempt(" ANA@staff.example", OFFICE, None)) is LinkRequestResult.QUIET
    assert request_link(LoginAttempt("ben@staff.example", HOME, None)) is LinkRequestResult.MAILED
    assert request_link(LoginAttempt("ana@staff.example", HOME, "desk")) is LinkRequestResult.MAILED
    assert request_link(LoginAttempt("ana@staff.example", HOME, "strangers")) is LinkRequestResult.MAILED


def test_a_known_browser_uses_up_only_its_own_links(app: Flask) -> None:
    desk = LoginAttempt("ana@staff.example", HOME, "desk")
    assert [request_link(desk) for _ in range(MAX_LINKS + 1)] == [LinkRequestResult.MAILED] * MAX_LINKS + [
        LinkRequestResult.QUIET
    ]
    assert request_link(LoginAttempt("ana@staff.example", HOME, "phone")) is LinkRequestResult.MAILED
    for number in range(MAX_FROM_NETWORK):
        assert request_link(LoginAttempt(f"{number}@staff.example", HOME, None)) is LinkRequestResult.MAILED
    assert request_link(LoginAttempt("ben@staff.example", HOME, None)) is LinkRequestResult.REFUSED
    assert request_link(LoginAttempt("ben@staff.example", OFFICE, None)) is LinkRequestResult.MAILED


def test_a_log_in_is_valid_for_its_lifetime(app: Flask) -> None:
    member, vault = join_staff(app, "ana@staff.example", Role.VIEWER), runtime().vault
    with transaction() as session:
        secret = begin_session(session, member, context=context(vault=vault))
    late = START + SESSION_LIFETIME
    assert is_session_alive(secret, member, now=late - timedelta(microseconds=1), vault=vault)
    assert not is_session_alive(secret, member, now=late, vault=vault)
    assert not is_session_alive(secret, member + 1, now=START, vault=vault)
    db.session.rollback()


def test_a_wrong_clock_ends_no_log_in_and_deletes_no_counter(app: Flask, clock: Clock) -> None:
    desk = staff_client(app, Role.EDITOR)
    join_staff(app, "ben@staff.example", Role.VIEWER)
    guess = LoginAttempt("ana@staff.example", HOME, None)
    fail(guess, MAX_FOR_ACCOUNT)
    clock.now = START + 100 * DAY
    log_in(app, "ben@staff.example")
    fail(guess, 1, later=100 * DAY)
    assert request_link(guess, later=100 * DAY) is LinkRequestResult.MAILED
    clock.now = START
    assert desk.get("/staff/account").status_code == 200
    assert not allowed(guess)


def test_a_log_in_from_the_future_is_invalid_and_purged_in_time(app: Flask) -> None:
    member, vault = join_staff(app, "ana@staff.example", Role.VIEWER), runtime().vault
    with transaction() as session:
        near = begin_session(session, member, context=context(START + MAX_DIFFERENCE, vault=vault))
        far = begin_session(session, member, context=context(START + 100 * DAY, vault=vault))
    guess = LoginAttempt("ana@staff.example", HOME, None)
    fail(guess, MAX_FOR_ACCOUNT)
    fail(guess, 1, later=100 * DAY)
    assert is_session_alive(near, member, now=START, vault=vault)
    assert not is_session_alive(far, member, now=START, vault=vault)
    db.session.rollback()
    purge_expired(may_continue=lambda: True, context=context(vault=vault))
    assert db.session.scalars(select(StaffSession.created_at)).all() == [START + MAX_DIFFERENCE]
    assert db.session.scalars(select(LoginFailure.window_at).distinct()).all() == [START]
    db.session.rollback()
