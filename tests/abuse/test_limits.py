"""Abuse limits: refusals, proofs of work, alerts; and genuine crowds that pass."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import parse
from sqlalchemy import select, update

from campaign.domain.abuse.challenge import LIFETIME, WAIT
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.staff.roles import Role
from campaign.factory import create_app
from campaign.models import AbuseAlert, Mail, SignUp, SpentSolution
from campaign.platform import db, limiter
from campaign.platform.network import network_of
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse import limits as guard
from tests.abuse.proof import URL, puzzle_and_ticket, solve
from tests.conftest import START, Clock, Postbox, clear_caches, count_rows, form, settings_for, text_of
from tests.staff.staff_clients import join_staff


@pytest.mark.slow
def test_a_proof_is_valid_once_and_only_for_its_appeal(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, clock: Clock, app: Flask
) -> None:
    set_challenge_mode("always")
    page = client.post(URL, data=form())
    assert page.status_code == 422
    assert count_rows(SignUp) == 0
    assert 'value="Jeanne Martin"' in page.text
    puzzle, ticket = puzzle_and_ticket(page.text)
    proof = solve(puzzle)
    assert client.post(URL, data=form(proof=proof, ticket=ticket)).status_code == 303
    assert client.post(URL, data=form(proof=proof, email="other@mail.example")).status_code == 422
    assert (count_rows(SignUp), count_rows(SpentSolution)) == (1, 1)
    other = json.loads(solve(puzzle_and_ticket(client.post(URL, data=form()).text)[0]))
    other["challenge"]["parameters"]["data"]["appeal"] = "another"
    assert client.post(URL, data=form(proof=json.dumps(other))).status_code == 422
    late_proof = solve(puzzle_and_ticket(client.post(URL, data=form()).text)[0])
    clock.now += LIFETIME
    clear_caches(app)
    assert client.post(URL, data=form(proof=late_proof)).status_code == 422
    assert count_rows(SignUp) == 1


@pytest.mark.parametrize(
    "proof", ["x", "{}", "[]", "null", '{"challenge": {}}', "x" * 9000, '{"challenge": {"parameters": {"data": 1}}}']
)
def test_an_invalid_proof_gets_a_new_puzzle(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, proof: str
) -> None:
    set_challenge_mode("always")
    assert client.post(URL, data=form(proof=proof, ticket=proof)).status_code == 422
    assert count_rows(SignUp) == 0


@pytest.mark.slow
def test_a_puzzle_with_a_lowered_difficulty_is_refused(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any
) -> None:
    set_challenge_mode("always")
    puzzle = puzzle_and_ticket(client.post(URL, data=form()).text)[0]
    for change in ({"cost": 1}, {"keyPrefix": ""}, {"algorithm": "SHA-256"}):
        easy = json.loads(json.dumps(puzzle))
        easy["parameters"] |= change
        assert client.post(URL, data=form(proof=solve(easy))).status_code == 422
    assert count_rows(SignUp) == 0


def test_without_scripts_the_signer_waits_once(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, clock: Clock, app: Flask
) -> None:
    set_challenge_mode("always")
    ticket = puzzle_and_ticket(client.post(URL, data=form()).text)[1]
    early = client.post(URL, data=form(ticket=ticket))
    assert early.status_code == 422
    assert puzzle_and_ticket(early.text)[1] == ticket  # the same ticket, so that the waiting time continues
    clock.now += WAIT
    clear_caches(app)
    assert client.post(URL, data=form(ticket=ticket)).status_code == 303
    assert client.post(URL, data=form(ticket=ticket, email="other@mail.example")).status_code == 422
    assert count_rows(SignUp) == 1


def test_waiting_instead_of_a_proof_is_limited_by_network(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, clock: Clock, app: Flask
) -> None:
    set_challenge_mode("always")
    tickets = [puzzle_and_ticket(client.post(URL, data=form()).text)[1] for _ in range(8)]
    clock.now += WAIT
    clear_caches(app)
    answers = [
        client.post(URL, data=form(ticket=ticket, email=f"p{number}@mail.example")).status_code
        for number, ticket in enumerate(tickets)
    ]
    assert answers == [303] * 4 + [422] * 4


def test_a_crowd_turns_the_check_on_and_staff_are_alerted_once(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(guard._SOFT, "appeal", (parse("5 per minute"), parse("100 per hour")))
    answers = [client.post(URL, data=form(email=f"p{number}@d{number}.example")).status_code for number in range(8)]
    assert answers == [303] * 5 + [422] * 3
    assert db.session.execute(select(AbuseAlert.kind, AbuseAlert.appeal_id)).all() == [("appeal", appeal.id)]
    # The cached page stays the same for all visitors.
    assert "data-puzzle" not in client.get("/en/appeals/ana-ruiz-vega").text


@pytest.mark.parametrize("kind", ["appeal", "domain"])
def test_editors_of_the_flooded_sections_get_an_alert_with_a_link_to_moderation(
    app: Flask,
    client: FlaskClient,
    appeal: AppealView,
    set_challenge_mode: Any,
    monkeypatch: pytest.MonkeyPatch,
    deliver: Any,
    postbox: Postbox,
    kind: str,
) -> None:
    for name, role, section in (
        ("editor.fr", Role.EDITOR, "fr"),
        ("editor.be", Role.EDITOR, "be-nl"),
        ("editor.calm", Role.EDITOR, "ki"),
        ("viewer.fr", Role.VIEWER, "fr"),
        ("coordinator", Role.COORDINATOR, "ki"),
    ):
        join_staff(app, f"{name}@staff.example", role, section)
    deliver()
    before = len(postbox.messages)
    monkeypatch.setitem(guard._SOFT, kind, (parse("4 per minute"), parse("100 per hour")))
    for number, country in enumerate(("FR", "FR", "BE", "FR", "BE")):
        client.post(URL, data=form(email=f"p{number}@flood.example", country=country))
    deliver()
    told = dict(zip(postbox.recipients[before:], map(text_of, postbox.messages[before:]), strict=True))
    alerts = {to: text for to, text in told.items() if to.endswith("@staff.example")}
    assert set(alerts) == {f"{name}@staff.example" for name in ("editor.fr", "editor.be", "coordinator")}
    place = "/staff/moderation" + (f"?appeal={appeal.slug}" if kind == "appeal" else "")
    for text in alerts.values():
        assert text.split()[-1].endswith(place)
        assert "of your own section" in " ".join(text.split())
        assert "Belgi" not in text
        assert "France" not in text


def test_many_addresses_of_one_domain_turn_the_check_on_for_that_domain_only(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(guard._SOFT, "domain", (parse("3 per minute"), parse("100 per hour")))
    for number in range(3):
        assert client.post(URL, data=form(email=f"p{number}@victim.example")).status_code == 303
    assert client.post(URL, data=form(email="p@victim.example")).status_code == 422
    assert client.post(URL, data=form(email="p@elsewhere.example")).status_code == 303


def test_hosts_of_one_owner_and_names_of_one_free_host_share_a_limit(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refuse an attack by wildcard DNS and free host names, in which no host occurs twice."""
    monkeypatch.setitem(guard._SOFT, "domain", (parse("3 per minute"), parse("100 per hour")))
    for hosts in ("h{}.evil.co.uk", "h{}.duckdns.org"):
        answers = [client.post(URL, data=form(email=f"b@{hosts.format(n)}")).status_code for n in range(4)]
        assert answers == [303, 303, 303, 422]
    assert client.post(URL, data=form(email="p@devil.co.uk")).status_code == 303


@pytest.mark.slow
def test_another_name_on_a_free_host_gets_its_mail(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_challenge_mode("always")
    monkeypatch.setattr(guard, "_HARD", parse("1 per minute"))
    for email in ("a@h1.one.duckdns.org", "a@h2.one.duckdns.org", "a@two.duckdns.org"):
        proof = solve(puzzle_and_ticket(client.post(URL, data=form(email=email)).text)[0])
        assert client.post(URL, data=form(email=email, proof=proof)).status_code == 303
    assert sorted(db.session.scalars(select(SignUp.flag)), key=str) == [None, None, "domain"]


def test_the_check_can_be_off(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_challenge_mode("off")
    monkeypatch.setitem(guard._SOFT, "all", (parse("1 per minute"), parse("1 per hour")))
    assert [client.post(URL, data=form(email=f"p{n}@d.example")).status_code for n in range(3)] == [303] * 3


def test_the_check_is_on_while_most_sign_ups_are_unconfirmed(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    monkeypatch.setattr(guard, "_UNCONFIRMED_MINIMUM", 3)
    monkeypatch.setattr(guard, "_SHARE_SIGN_UPS", 1)
    for number in range(4):
        assert client.post(URL, data=form(email=f"p{number}@d.example")).status_code == 303
    db.session.execute(update(SignUp).values(signed_at=START - timedelta(minutes=30)))
    db.session.commit()
    app.extensions[guard.EXTENSION] = guard.AbuseLimits()
    assert client.post(URL, data=form(email="new@d.example")).status_code == 422
    assert db.session.scalars(select(AbuseAlert.kind)).all() == ["unconfirmed"]


@pytest.mark.slow
def test_a_flagged_sign_up_gets_thanks_but_no_mail_until_it_is_sent_again(
    client: FlaskClient,
    appeal: AppealView,
    set_challenge_mode: Any,
    monkeypatch: pytest.MonkeyPatch,
    deliver: Any,
    postbox: Postbox,
) -> None:
    set_challenge_mode("always")
    monkeypatch.setattr(guard, "_HARD", parse("1 per minute"))

    def sign(email: str) -> int:
        proof = solve(puzzle_and_ticket(client.post(URL, data=form(email=email)).text)[0])
        return client.post(URL, data=form(email=email, proof=proof)).status_code

    assert [sign("a@victim.example"), sign("b@victim.example")] == [303, 303]
    client.post("/en/new-link", data={"email": "b@victim.example"})
    deliver()
    assert postbox.recipients == ["a@victim.example"]
    assert set(db.session.scalars(select(SignUp.flag))) == {None, "domain"}
    answers = select(Mail.state).where(Mail.kind != MailKind.NEW_LINK).order_by(Mail.id)
    assert db.session.scalars(answers).all() == ["sent", "suppressed"]
    monkeypatch.setattr(guard, "_HARD", parse("99 per minute"))
    assert sign("b@victim.example") == 303
    deliver()
    assert postbox.recipients == ["a@victim.example", "b@victim.example"]
    assert count_rows(SignUp) == 3, "the flagged sign-up stays stored"


def test_an_unavailable_storage_of_limits_refuses_no_sign_up(
    client: FlaskClient, appeal: AppealView, set_challenge_mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_unavailable(*_: Any) -> bool:
        raise ConnectionError("no storage")

    monkeypatch.setattr(limiter.limiter, "hit", raise_unavailable)
    monkeypatch.setattr(limiter.storage, "get", raise_unavailable)
    assert client.post(URL, data=form()).status_code == 303


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("nonsense", "unknown"),
        (None, "unknown"),
    ],
)
def test_networks_are_counted_by_household(address: str | None, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted_as"),
    [
        ("0", "198.51.100.7", "127.0.0.0/24"),
        ("1", "198.51.100.7", "198.51.100.0/24"),
        ("1", "203.0.113.1, 198.51.100.7", "198.51.100.0/24"),  # the client itself wrote the first part
        ("2", "203.0.113.1, 198.51.100.7", "203.0.113.0/24"),
        (
            "2",
            "198.51.100.7",
            "127.0.0.0/24",
        ),  # fewer addresses than proxies: the request did not pass the site's proxies
    ],
)
def test_only_configured_proxies_are_trusted(
    database_url: str, tmp_path: Any, proxies: str, forwarded: str, counted_as: str
) -> None:
    app = create_app(settings_for(database_url, tmp_path, TOCSIN_PROXIES=proxies))
    seen: list[str] = []

    @app.before_request
    def note_network() -> None:
        from flask import request  # noqa: PLC0415  the request of this application

        seen.append(network_of(request.remote_addr))

    app.test_client().get("/healthz", headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert seen == [counted_as]
