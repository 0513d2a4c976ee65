"""Floods from very many networks of sign-ups, reports and page views are limited; a genuine crowd passes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign.domain.abuse.challenge import WAIT, ChallengeDemandError
from campaign.domain.counting.channel import Channel
from campaign.domain.errors import ReportLimitError
from campaign.domain.staff.actor import SUPPORTER
from campaign.domain.staff.roles import Role
from campaign.models import AbuseAlert, Action, SignUp, SpentSolution
from campaign.platform import db, limiter
from campaign.platform.network import Network, networks_of
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.abuse import limits as guard
from campaign.services.abuse.counters import parse_limits
from campaign.services.counting.verify import verify_counts
from campaign.services.signing.report_action import UnsignedReport, count_unsigned_report
from tests.abuse.proof import URL, puzzle_and_ticket, solve
from tests.conftest import Clock, Postbox, clear_caches, context, count_rows, form, text_of
from tests.staff.staff_clients import join_staff

ACT_PAGE = "/en/appeals/ana-ruiz-vega/act"
LETTER_REPORT = {"country": "FR", "channel": "letter", "target": "0"}


@pytest.fixture(autouse=True)
def abuse_limits(set_challenge_mode: Any) -> None:
    """Use abuse limits that have counted nothing yet."""


def post_from(client: FlaskClient, path: str, address: str, data: dict[str, str]) -> int:
    """Send a form from that address; return the status."""
    return client.post(path, data=data, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.fixture
def full_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of the limits begin a new minute, because they count by the minute of the clock."""
    real_time = time.time
    missing_seconds = 60 - real_time() % 60
    monkeypatch.setattr(time, "time", lambda: real_time() + missing_seconds)


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("192.0.2.77", ("192.0.2.0/24", "192.0.0.0/16")),
        ("::ffff:192.0.2.77", ("192.0.2.0/24", "192.0.0.0/16")),
        ("2001:db8:1:2:3::4", ("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32")),
        ("nonsense", ("unknown",)),
    ],
)
def test_requests_are_counted_for_wider_networks_too(address: str, networks: tuple[str, ...]) -> None:
    assert networks_of(address) == networks


@pytest.mark.slow
@pytest.mark.usefixtures("full_minute")
def test_a_flood_from_one_48_network_needs_a_proof(client: FlaskClient, appeal: AppealView) -> None:
    answers = [
        post_from(client, URL, f"2001:db8:7:{number:x}::1", form(email=f"p{number}@d{number}.example"))
        for number in range(460)
    ]
    assert answers.count(303) <= 120  # 60 a minute, in two minutes of the clock at most
    assert answers[:60] == [303] * 60
    assert count_rows(SignUp) == answers.count(303)
    assert "network" in db.session.scalars(select(AbuseAlert.kind)).all()
    # A sign-up from another network needs no proof.
    assert post_from(client, URL, "2001:db9:1::1", form(email="calm@mail.example")) == 303


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["2001:db8:{0:x}:{1:x}::1", "198.{0}.{1}.7"])
def test_a_flood_from_many_networks_of_one_provider_is_noticed(
    client: FlaskClient, appeal: AppealView, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    for name in ("/32", "/16"):
        monkeypatch.setitem(guard._NETWORKS, name, parse_limits("20 per minute", "100 per hour"))
    second = 1 if "." in prefix else None
    answers = [
        post_from(client, URL, prefix.format(second or number, number), form(email=f"p{number}@d{number}.example"))
        for number in range(30)
    ]
    assert answers == [303] * 20 + [422] * 10


@pytest.mark.slow
@pytest.mark.usefixtures("full_minute")
def test_reports_from_1500_networks_are_limited_and_staff_are_alerted(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    join_staff(app, "editor@staff.example", Role.EDITOR, "fr")
    deliver()
    before = len(postbox.messages)
    answers = [
        post_from(client, ACT_PAGE, f"2001:{number // 100 + 9:x}:{number:x}::1", LETTER_REPORT)
        for number in range(1500)
    ]
    assert set(answers) == {303, 422}
    assert answers.count(303) <= 120
    assert count_rows(Action) == counts(appeal.id).by_evidence["reported"] == answers.count(303)
    assert verify_counts() == []
    assert db.session.scalars(select(AbuseAlert.kind)).all() == ["reports"]
    db.session.rollback()
    deliver()
    assert postbox.recipients[before:] == ["editor@staff.example"]
    assert "reported without a signature" in text_of(postbox.messages[before])


def test_only_reports_of_the_flooding_48_network_are_limited(
    client: FlaskClient, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(guard._REPORTS_BY_NETWORK, "/48", parse_limits("3 per hour"))
    assert [post_from(client, ACT_PAGE, f"2001:db8:7:{n:x}::1", LETTER_REPORT) for n in range(5)] == [303] * 3 + [
        422
    ] * 2
    assert post_from(client, ACT_PAGE, "2001:db8:8::1", LETTER_REPORT) == 303


@pytest.mark.slow
def test_a_report_with_a_proof_counts_once(client: FlaskClient, appeal: AppealView, set_challenge_mode: Any) -> None:
    set_challenge_mode("always")
    page = client.post(ACT_PAGE, data=LETTER_REPORT)
    assert (page.status_code, count_rows(Action)) == (422, 0)
    puzzle, ticket = puzzle_and_ticket(page.text)
    for name, value in LETTER_REPORT.items():
        assert f'name="{name}" value="{value}"' in page.text
    proof = solve(puzzle)
    answer = client.post(ACT_PAGE, data=LETTER_REPORT | {"proof": proof, "ticket": ticket})
    assert (answer.status_code, "done=letter-0" in answer.location) == (303, True)
    assert client.post(ACT_PAGE, data=LETTER_REPORT | {"proof": proof}).status_code == 422
    assert (count_rows(Action), count_rows(SpentSolution)) == (1, 1)


def test_beyond_the_cap_no_report_counts_even_with_a_proof(
    client: FlaskClient, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_REPORTS_CAP", parse_limits("2 per minute"))
    assert [client.post(ACT_PAGE, data=LETTER_REPORT).status_code for _ in range(4)] == [303, 303, 429, 429]
    assert (count_rows(Action), counts(appeal.id).by_evidence["reported"]) == (2, 2)


def test_the_service_checks_the_limits_before_it_counts_a_report(
    app: Flask, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_REPORTS", parse_limits("2 per hour"))
    monkeypatch.setattr(guard, "_REPORTS_CAP", parse_limits("1 per hour"))
    report = UnsignedReport("fr", Channel.LETTER, 0, (Network("/24", "ab" * 16),))
    supporter = context(actor=SUPPORTER)
    with app.test_request_context():
        count_unsigned_report(appeal, report, context=supporter)
        with pytest.raises(ReportLimitError):
            count_unsigned_report(appeal, report, context=supporter)
        with pytest.raises(ChallengeDemandError):
            count_unsigned_report(appeal, report, context=supporter)
    assert (count_rows(Action), counts(appeal.id).by_evidence["reported"]) == (1, 1)


def test_reports_without_a_proof_do_not_use_up_the_cap(
    client: FlaskClient, appeal: AppealView, monkeypatch: pytest.MonkeyPatch, clock: Clock, app: Flask
) -> None:
    monkeypatch.setattr(guard, "_REPORTS", parse_limits("1 per hour"))
    monkeypatch.setattr(guard, "_REPORTS_CAP", parse_limits("2 per hour"))
    assert client.post(ACT_PAGE, data=LETTER_REPORT).status_code == 303
    pages = [client.post(ACT_PAGE, data=LETTER_REPORT) for _ in range(6)]
    assert {page.status_code for page in pages} == {422}
    clock.now += WAIT
    clear_caches(app)
    assert (
        client.post(ACT_PAGE, data=LETTER_REPORT | {"ticket": puzzle_and_ticket(pages[0].text)[1]}).status_code == 303
    )


def test_very_many_reports_of_signers_are_counted_and_alerted(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_SIGNED_REPORTS", parse_limits("1 per minute"))
    client.post(URL, data=form())
    deliver()
    act = client.post(postbox.link()).location
    for channel in ("letter", "fax", "phone"):
        assert client.post(act, data={"channel": channel, "target": "0"}).status_code == 303
    assert counts(appeal.id).by_evidence["reported"] == 3
    assert db.session.scalars(select(AbuseAlert.kind)).all() == ["signed-reports"]


def test_a_ticket_is_valid_in_its_own_network_only(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, clock: Clock, app: Flask
) -> None:
    set_challenge_mode("always")
    here, there = {"REMOTE_ADDR": "2001:db8:1:1::1"}, {"REMOTE_ADDR": "2001:db8:1:2::1"}
    ticket = puzzle_and_ticket(client.post(URL, data=form(), environ_base=here).text)[1]
    clock.now += WAIT
    clear_caches(app)
    stolen = client.post(URL, data=form(ticket=ticket), environ_base=there)
    assert (stolen.status_code, count_rows(SignUp)) == (422, 0)
    assert puzzle_and_ticket(stolen.text)[1] != ticket
    assert client.post(URL, data=form(ticket=ticket), environ_base=here).status_code == 303


def test_waiting_instead_of_a_proof_is_limited_by_wider_networks(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, clock: Clock, app: Flask
) -> None:
    set_challenge_mode("always")
    addresses = [f"2001:db8:1:{number:x}::1" for number in range(12)]
    tickets = [
        puzzle_and_ticket(client.post(URL, data=form(), environ_base={"REMOTE_ADDR": a}).text)[1] for a in addresses
    ]
    clock.now += WAIT
    clear_caches(app)
    answers = [
        post_from(client, URL, address, form(ticket=ticket, email=f"p{number}@mail.example"))
        for number, (address, ticket) in enumerate(zip(addresses, tickets, strict=True))
    ]
    assert answers == [303] * 8 + [422] * 4


def test_a_school_class_in_one_network_needs_no_proof(client: FlaskClient, appeal: AppealView) -> None:
    assert limiter.enabled
    assert [client.post(URL, data=form(email=f"p{n}@school.example")).status_code for n in range(40)] == [303] * 40
    assert [client.post(ACT_PAGE, data=LETTER_REPORT).status_code for _ in range(30)] == [303] * 30
    assert db.session.scalar(select(func.count()).select_from(AbuseAlert)) == 0
