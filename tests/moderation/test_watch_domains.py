"""New mail domains with many confirmations: detected, alerted, shown, and invalidated together."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update

from campaign.domain.moderation.domain_history import DomainHistory
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.staff.actor import SUPPORTER, SYSTEM, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AbuseAlert, Action, DomainWatch, Invalidation, MailDomain, Signature
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.moderation import confirmed_together
from campaign.queries.moderation.confirmed_together import ConfirmedTogether
from campaign.queries.moderation.domain_history import domain_histories
from campaign.queries.moderation.moderation import trends
from campaign.queries.moderation.new_domains import new_domains
from campaign.services.abuse import limits as guard
from campaign.services.abuse.counters import parse_limits
from campaign.services.counting.verify import verify_counts
from campaign.services.moderation.domain_history import ALERT_CONFIRMATIONS
from campaign.services.moderation.invalidate import add_invalidation, advance
from campaign.services.moderation.watch_domains import watch_domains
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.erase import erase
from tests.conftest import DAY, START, Postbox, context, form, link_of, text_of
from tests.signing.signatures import sign_and_confirm
from tests.staff.staff_clients import csrf, join_staff, staff_client

pytestmark = pytest.mark.slow

LATER = START + timedelta(minutes=1)


def watch_all(at: Any = LATER, batch: int = 7) -> None:
    """Process all confirmations in small batches, as the worker does each minute."""
    while watch_domains(batch_size=batch, context=context(at, SYSTEM)):
        pass


def alert_kinds() -> list[str]:
    found = sorted(db.session.scalars(select(AbuseAlert.kind)))
    db.session.rollback()
    return found


def stored_domain(domain: str) -> DomainHistory:
    found = domain_histories(db.session, [domain], runtime().vault)[domain]
    db.session.rollback()
    return found


def confirm_from(appeal: AppealView, domain: str, number: int, at: Any = START, first: int = 0) -> list[int]:
    names = "ABCDEFGHIJ"
    return [
        sign_and_confirm(appeal, f"Bot {names[n // 10 % 10]}{names[n % 10]}", f"b{first + n}@{domain}", at=at)
        for n in range(number)
    ]


def test_a_flood_from_one_new_domain_is_alerted_once_to_its_section(
    app: Flask, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for name, role, section in (("fr", Role.EDITOR, "fr"), ("be", Role.EDITOR, "be-nl"), ("boss", Role.ADMIN, "ki")):
        join_staff(app, f"{name}@staff.example", role, section)
    deliver()
    before = len(postbox.messages)
    confirm_from(appeal, "catchall.example", ALERT_CONFIRMATIONS - 1)
    watch_all()
    assert alert_kinds() == []
    confirm_from(appeal, "catchall.example", 2, first=100)
    watch_all()
    watch_all()
    assert alert_kinds() == ["new-domain"]
    deliver()
    told = dict(zip(postbox.recipients, map(text_of, postbox.messages), strict=True))
    alerts = {to for to in postbox.recipients[before:] if to.endswith("@staff.example")}
    assert alerts == {"fr@staff.example", "boss@staff.example"}
    assert "/staff/moderation/domains" in told["fr@staff.example"]
    assert "catchall.example" not in told["fr@staff.example"]


def test_large_providers_and_established_domains_are_not_new(appeal: AppealView) -> None:
    confirm_from(appeal, "gmail.com", ALERT_CONFIRMATIONS)
    confirm_from(appeal, "school.example", 3)
    watch_all()
    later = START + 8 * DAY
    confirm_from(appeal, "school.example", ALERT_CONFIRMATIONS, at=later, first=100)
    watch_all(later + timedelta(minutes=1))
    assert alert_kinds() == []
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 1
    assert stored_domain("school.example") == DomainHistory(
        START.date(), later.date(), 3, (ALERT_CONFIRMATIONS, 0, 0, 0, 0, 0, 0)
    )
    assert new_domains(Scope(1, Role.EDITOR, "fr"), runtime().vault, now=later) == ()


def test_domains_with_a_sudden_jump_count_as_new(appeal: AppealView) -> None:
    """Attack: confirm one signature from each of eight domains, wait a week, then confirm six hundred at once."""
    for number in range(8):
        confirm_from(appeal, f"aged{number}.example", 1, first=number)
    watch_all()
    later = START + 8 * DAY
    for number in range(8):
        confirm_from(appeal, f"aged{number}.example", ALERT_CONFIRMATIONS, at=later, first=100)
    watch_all(later + timedelta(minutes=1), batch=50)
    assert alert_kinds() == ["new-domain", "new-domains"]
    found = new_domains(Scope(1, Role.EDITOR, "fr"), runtime().vault, now=later)
    assert [
        (one.history.first_on, one.history.earlier_total, one.confirmed) for one in found if one.history is not None
    ] == [(START.date(), 1, ALERT_CONFIRMATIONS)] * 8


def test_a_flood_erased_before_the_worker_runs_is_alerted(
    app: Flask, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    """Attack: confirm and erase at once, so that no domain is left to count."""
    for name, section in (("fr", "fr"), ("be", "be-nl")):
        join_staff(app, f"{name}@staff.example", Role.EDITOR, section)
    deliver()
    before = len(postbox.messages)
    for signature_id in confirm_from(appeal, "catchall.example", ALERT_CONFIRMATIONS):
        erase(signature_id, context=context(actor=SUPPORTER))
    assert stored_domain("catchall.example").by_day[0] == ALERT_CONFIRMATIONS
    watch_all()
    watch_all()
    assert alert_kinds() == ["new-domain"]
    deliver()
    assert set(postbox.recipients[before:]) & {"fr@staff.example", "be@staff.example"} == {"fr@staff.example"}
    db.session.rollback()
    assert db.session.scalar(select(DomainWatch.sections_to_alert)) == []
    assert stored_domain("catchall.example").by_day[0] == ALERT_CONFIRMATIONS


def test_signatures_erased_within_the_hour_count_as_new(appeal: AppealView, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: stay below the limit of each domain, and erase the signatures before the worker runs."""
    monkeypatch.setattr(confirmed_together, "MIN_CONFIRMATIONS", 20)
    # Signatures confirmed in an earlier hour and erased later: only their day is stored.
    earlier = confirm_from(appeal, "old.example", 5, at=START - timedelta(hours=2))
    confirm_from(appeal, "gmail.com", 1, at=START - timedelta(hours=2))
    confirm_from(appeal, "gmail.com", 30, first=10)
    made = [one for n in range(2) for one in confirm_from(appeal, f"catch{n}.example", 10, first=100 * n)]
    for one in [*earlier, *made]:
        erase(one, context=context(actor=SUPPORTER))
    watch_all()
    found = confirmed_together.confirmed_together(runtime().vault, now=LATER)
    assert found == ConfirmedTogether(confirmed=50, new=20, crowded=20, sections=frozenset({"fr"}))
    db.session.rollback()
    assert alert_kinds() == ["new-domains"]


def test_concurrent_erasures_are_each_counted_once(app: Flask, appeal: AppealView) -> None:
    ids = confirm_from(appeal, "one.example", 24)
    db.session.rollback()

    def run_in_context(work: Callable[[], object]) -> None:
        with app.app_context():
            work()

    def erase_part(part: int) -> None:
        for row_id in ids[part::4]:
            erase(row_id, context=context(LATER, SUPPORTER))

    works: list[Callable[[], object]] = [*(partial(erase_part, part) for part in range(4)), partial(watch_all, batch=5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(run_in_context, works))
    watch_all()
    assert stored_domain("one.example").by_day[0] == len(ids)
    assert (counts(appeal.id).total, verify_counts()) == (len(ids), [])


def test_erasure_and_worker_count_a_domain_once(appeal: AppealView) -> None:
    looked_at = confirm_from(appeal, "one.example", 1)[0]
    watch_all()
    erase(looked_at, context=context(LATER, SUPPORTER))
    assert stored_domain("one.example").by_day[0] == 1
    not_yet = confirm_from(appeal, "one.example", 1, first=9)[0]
    for _ in range(2):
        erase(not_yet, context=context(LATER, SUPPORTER))
    large = confirm_from(appeal, "gmail.com", 1)[0]
    erase(large, context=context(LATER, SUPPORTER))
    watch_all(LATER + timedelta(minutes=1))
    assert stored_domain("one.example").by_day[0] == 2
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_action_committed_after_one_with_a_higher_id_is_counted(appeal: AppealView) -> None:
    """Expect both domains: a concurrent transaction drew the lower id first, and committed last."""
    late, early = (confirm_from(appeal, f"{name}.example", 1)[0] for name in ("late", "early"))
    action = delete(Action).where(Action.signature_id == late).returning(*Action.__table__.columns)
    late_row = db.session.execute(action).one()._asdict()
    db.session.commit()
    with db.engine.connect() as connection:
        connection.execute(insert(Action).values(late_row))
        watch_all()
        assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 0
        connection.commit()
    watch_all()
    assert late < early
    assert [stored_domain(f"{name}.example").by_day[0] for name in ("late", "early")] == [1, 1]


def test_nothing_is_counted_twice_and_the_unconfirmed_never(client: FlaskClient, appeal: AppealView) -> None:
    confirm_from(appeal, "one.example", 10)
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="w@two.example"))
    for _ in range(3):
        watch_all(batch=3)
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 1
    assert stored_domain("one.example") == DomainHistory(START.date(), START.date(), 0, (10, 0, 0, 0, 0, 0, 0))


def test_a_domain_is_deleted_three_months_after_its_last_month(appeal: AppealView) -> None:
    confirm_from(appeal, "one.example", 1)
    watch_all()
    purge_expired(may_continue=lambda: True, context=context(START + 120 * DAY))
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 1
    purge_expired(may_continue=lambda: True, context=context(START + 121 * DAY))
    assert db.session.scalar(select(func.count()).select_from(MailDomain)) == 0


def test_eight_catch_all_domains_are_shown_and_invalidated_together(app: Flask, appeal: AppealView) -> None:
    """Attack: confirm from each mailbox separately, and stay below every limit of a domain."""
    real = [sign_and_confirm(appeal, f"Person {n}", f"p{n}@gmail.com") for n in "ABC"]
    for number in range(8):
        confirm_from(appeal, f"catch{number}.example", ALERT_CONFIRMATIONS)
    confirm_from(appeal, "mailinator.com", 2)
    watch_all()
    assert alert_kinds() == ["new-domain", "new-domains"]
    scope = Scope(1, Role.EDITOR, "fr")
    found = new_domains(scope, runtime().vault, now=LATER, least=1)
    assert {one.domain: (one.signed, one.confirmed) for one in found} == {
        **{f"catch{number}.example": (ALERT_CONFIRMATIONS, ALERT_CONFIRMATIONS) for number in range(8)},
        "mailinator.com": (2, 2),
    }
    assert [one.domain for one in found if one.is_disposable] == ["mailinator.com"]
    db.session.rollback()
    editor = staff_client(app, Role.EDITOR)
    page = editor.get("/staff/moderation/domains")
    assert len(re.findall('name="domains"', page.text)) == 8
    assert "mailinator.com" not in page.text, "a rare domain is shown only for a reason"
    asked = {"csrf_token": csrf(page), "reason": "is it a flood?"}
    whole = editor.post("/staff/moderation/domains", data=asked).text
    assert len(re.findall('name="domains"', whole)) == 9
    assert whole.count("disposable") == 1
    chosen = {
        "csrf_token": csrf(page),
        "domains": [f"catch{number}.example" for number in range(8)],
        "reason": "a flood",
    }
    answer = editor.post("/staff/moderation/invalidations", data=chosen)
    assert answer.status_code == 303
    look = editor.get(answer.location)
    assert f"Take {8 * ALERT_CONFIRMATIONS} signatures out" in look.text
    editor.post(f"{answer.location}/begin", data={"csrf_token": csrf(look), "reason": "catch-all domains"})
    db.session.rollback()
    assert (counts(appeal.id).total, verify_counts()) == (len(real) + 2, [])


def test_too_many_chosen_domains_are_refused_rather_than_cut(app: Flask, appeal: AppealView) -> None:
    editor = staff_client(app, Role.EDITOR)
    token = csrf(editor.get("/staff/moderation/domains"))
    data = {"csrf_token": token, "domains": [f"d{n}.example" for n in range(201)], "reason": "a flood"}
    answer = editor.post("/staff/moderation/invalidations", data=data)
    assert (answer.status_code, "too many to choose one by one" in answer.text) == (422, True)
    assert db.session.scalar(select(func.count()).select_from(Invalidation)) == 0


def test_all_hosts_of_one_owner_are_one_domain_and_invalidated_together(app: Flask, appeal: AppealView) -> None:
    """Attack: use a catch-all domain with wildcard DNS, and another host for each address."""
    for number in range(ALERT_CONFIRMATIONS):
        confirm_from(appeal, f"h{number}.evil.co.uk", 1, first=number)
    confirm_from(appeal, "evil.co.uk", 2, first=50)
    neighbour, bucket = confirm_from(appeal, "devil.co.uk", 1, first=60) + confirm_from(
        appeal, "h1.one.duckdns.org", 1, first=70
    )
    watch_all()
    assert alert_kinds() == ["new-domain"]
    scope, vault = Scope(1, Role.EDITOR, "fr"), runtime().vault
    assert {domain.domain: domain.confirmed for domain in new_domains(scope, vault, now=LATER, least=1)} == {
        "evil.co.uk": ALERT_CONFIRMATIONS + 2,
        "devil.co.uk": 1,
        "one.duckdns.org": 1,
    }
    assert {domain.key: domain.total for domain in trends(scope, vault, now=LATER).domains}[
        "evil.co.uk"
    ] == ALERT_CONFIRMATIONS + 2
    db.session.rollback()
    editor = staff_client(app, Role.EDITOR)
    for chosen, found in (
        ("h7.evil.co.uk", 1),
        ("duckdns.org", 0),
        ("co.uk", 0),
        ("evil.co.uk", ALERT_CONFIRMATIONS + 2),
    ):
        token = csrf(editor.get("/staff/moderation/domains"))
        answer = editor.post(
            "/staff/moderation/invalidations", data={"csrf_token": token, "domains": [chosen], "reason": "a flood"}
        )
        look = editor.get(answer.location)
        db.session.rollback()
        matched = select(Invalidation.matched).order_by(Invalidation.id.desc()).limit(1)
        assert (chosen, db.session.scalar(matched)) == (chosen, found)
        db.session.rollback()
    editor.post(f"{answer.location}/begin", data={"csrf_token": csrf(look), "reason": "a catch-all domain"})
    db.session.rollback()
    left = select(Signature.id).where(Signature.state == "confirmed").order_by(Signature.id)
    assert (list(db.session.scalars(left)), verify_counts()) == ([neighbour, bucket], [])


def test_one_host_of_an_owner_can_be_chosen_after_its_digest_was_deleted(app: Flask, appeal: AppealView) -> None:
    scope = Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    for number in range(3):
        confirm_from(appeal, f"h{number}.evil.co.uk", 1, first=number)
    db.session.execute(update(Signature).values(domain_digest=None))
    db.session.commit()
    for domain, found in (("h1.evil.co.uk", 1), ("evil.co.uk", 3), ("co.uk", 0)):
        invalidation_id = add_invalidation(Criteria(domain=domain), None, context=context(LATER, staff_actor(scope)))
        while advance(context=context(LATER), only=invalidation_id):
            pass
        assert (domain, db.session.get_one(Invalidation, invalidation_id).matched) == (domain, found)
        db.session.rollback()


def test_many_new_domains_together_are_alerted_to_their_sections(
    app: Flask, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    """Attack: use ten new domains, each just below the limit of a domain."""
    for name, role, section in (("fr", Role.EDITOR, "fr"), ("be", Role.EDITOR, "be-nl"), ("boss", Role.ADMIN, "ki")):
        join_staff(app, f"{name}@staff.example", role, section)
    deliver()
    before = len(postbox.messages)
    for number in range(10):
        confirm_from(appeal, f"catch{number}.example", ALERT_CONFIRMATIONS - 1, first=100 * number)
    sign_and_confirm(appeal, "Bot Elsewhere", "one@catch10.example", "be-nl")
    watch_all(batch=200)
    watch_all()
    assert alert_kinds() == ["new-domains"]
    deliver()
    told = list(zip(postbox.recipients, map(text_of, postbox.messages), strict=True))[before:]
    alerts = {to for to, text in told if "several new mail domains" in text}
    assert alerts == {"fr@staff.example", "boss@staff.example"}
    assert all("/staff/moderation/domains" in text for to, text in told if to in alerts)


def test_a_free_host_with_one_signature_for_each_name_is_alerted(
    appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmed_together, "MIN_CONFIRMATIONS", 10)
    confirm_from(appeal, "gmail.com", 20)
    for number in range(9):
        confirm_from(appeal, f"n{number}.duckdns.org", 1, first=100 + number)
    watch_all()
    assert alert_kinds() == []
    confirm_from(appeal, "n9.duckdns.org", 1, first=200)
    watch_all()
    assert alert_kinds() == ["new-domains"]


def test_a_genuine_launch_on_a_new_site_is_not_alerted(appeal: AppealView, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect no alert although two of five signers have addresses of small firms, one or two at each firm."""
    monkeypatch.setattr(confirmed_together, "MIN_CONFIRMATIONS", 10)
    confirm_from(appeal, "gmail.com", 30)
    for number in range(10):
        confirm_from(appeal, f"firm{number}.example", 2, first=100 + number * 2)
    watch_all()
    found = confirmed_together.confirmed_together(runtime().vault, now=LATER)
    assert found == ConfirmedTogether(confirmed=50, new=20, crowded=0, sections=frozenset({"fr"}))
    db.session.rollback()
    assert alert_kinds() == []


def test_confirmations_before_the_last_hour_are_not_counted(
    appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmed_together, "MIN_CONFIRMATIONS", 10)
    confirm_from(appeal, "one.example", 6)
    confirm_from(appeal, "two.example", 3, at=START + timedelta(minutes=61), first=100)
    later = START + timedelta(minutes=121)
    confirm_from(appeal, "three.example", 6, at=later, first=200)
    watch_all(later + timedelta(minutes=1))
    assert alert_kinds() == []
    confirm_from(appeal, "four.example", 1, at=later, first=300)
    watch_all(later + timedelta(minutes=1))
    assert alert_kinds() == ["new-domains"]


@pytest.mark.parametrize(
    ("confirmed", "new", "crowded", "is_flood"),
    [
        (99, 99, 99, False),
        (100, 100, 0, True),
        (240, 240, 240, True),
        # A flood hidden in a genuine launch.
        (1_200, 240, 240, True),
        # A launch: small firms, schools, and providers that are in no list.
        (1_200, 480, 60, False),
        (20_000, 8_000, 2_000, False),
        (20_000, 10_000, 0, True),
    ],
)
def test_a_number_and_a_share_make_a_flood(confirmed: int, new: int, crowded: int, is_flood: bool) -> None:
    assert ConfirmedTogether(confirmed, new, crowded, frozenset()).is_flood is is_flood


def test_many_confirmations_from_one_network_are_alerted_and_counted(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    app.extensions[guard.EXTENSION] = guard.AbuseLimits()
    monkeypatch.setitem(guard._CONFIRMED_BY_NETWORK, "/24", parse_limits("2 per minute"))
    for number in range(3):
        client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email=f"p{number}@d{number}.example"))
    deliver()
    for message in list(postbox.messages):
        assert client.post(link_of(message)).status_code == 303
    assert counts(appeal.id).total == 3
    db.session.rollback()
    assert alert_kinds() == ["confirmed-network"]
