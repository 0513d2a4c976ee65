"""The steps of sign-ups: each counted once, by provider and source, whatever happens in between; and folded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from campaign.domain.counting.funnel import OTHER_SOURCES, FunnelStage, confirmation_stage
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.provider import PROVIDERS
from campaign.domain.staff.actor import SUPPORTER
from campaign.domain.staff.roles import Role, Scope
from campaign.models import FunnelCount
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.funnel import Funnel, FunnelRow, funnel
from campaign.services.counting import funnel_counts as steps
from campaign.services.counting.funnel_counts import roll_up_funnel
from campaign.services.signing.sign import SignUpRequest, sign
from campaign.services.signing.withdraw import withdraw
from tests.conftest import Clock, Postbox, confirm_at, context
from tests.platform.statements import recorded_statements

ME = Scope(1, Role.VIEWER, "fr")
ALL = Scope(2, Role.COORDINATOR, "fr")
Deliver = Callable[[], Any]


def signs(
    appeal: AppealView, email: str, *, via: str | None = None, section: str = "fr", flag: str | None = None
) -> int:
    at, now = runtime(), runtime().clock()
    one = SignUpRequest(appeal.id, section, "FR", "Ana", parse_address(email), "en", "en", 1, via, flag=flag)
    sign(one, context=context(now, SUPPORTER))
    digest = at.vault.address_digest(appeal.id, parse_address(email))
    found = db.session.scalars(
        select(SignedUp.id).where(SignedUp.address_digest == at.vault.waiting_digest(digest))
    ).one_or_none()
    db.session.rollback()
    return found or 0


def seen(appeal: AppealView, scope: Scope = ME, section: str | None = None) -> Funnel:
    return funnel(appeal.id, scope, section=section, now=runtime().clock())


def of(rows: tuple[FunnelRow, ...]) -> dict[str, tuple[int, int]]:
    return {one.value: (one.signed, one.confirmed) for one in rows}


def test_signed_and_confirmed_by_provider_and_source(app: Flask, appeal: AppealView, clock: Clock) -> None:
    first = signs(appeal, "a@gmail.com", via="stall-lyon")
    signs(appeal, "b@googlemail.com", via="stall-lyon")
    signs(appeal, "c@hotmail.fr")
    signs(appeal, "d@small.example", via="poster")
    signs(appeal, "e@gmail.com", section="be-nl")
    clock.now += timedelta(minutes=30)
    confirm_at(first, clock.now)
    found = seen(appeal)
    assert of(found.providers) == {"gmail": (2, 1), "outlook": (1, 0), "other": (1, 0)}
    assert of(found.sources) == {"stall-lyon": (2, 1), "poster": (1, 0)}
    assert {step: number for step, number in found.waits.items() if number} == {FunnelStage.WITHIN_HOUR: 1}
    assert (found.total.signed, found.total.recent_signed, found.total.recent_confirmed) == (4, 4, 1)
    assert of(seen(appeal, ME, "be-nl").providers) == of(found.providers), "viewers see their own section"
    assert seen(appeal, ALL).total.signed == 5
    assert of(seen(appeal, ALL, "be-nl").providers) == {"gmail": (1, 0)}


def test_what_becomes_of_the_mail_is_in_no_sum(
    app: Flask, appeal: AppealView, deliver: Deliver, postbox: Postbox
) -> None:
    signs(appeal, "a@gmail.com")
    signs(appeal, "b@gmail.com")
    before = seen(appeal)
    db.session.rollback()
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "rcpt", 554)]
    deliver()
    assert seen(appeal) == before


def test_every_form_counts_alike_and_confirming_once(app: Flask, appeal: AppealView, clock: Clock) -> None:
    number = signs(appeal, "a@gmail.com")
    signs(appeal, "a@gmail.com")
    assert of(seen(appeal).providers) == {"gmail": (2, 0)}
    signature = confirm_at(number, clock.now)
    confirm_at(number, clock.now)
    assert of(seen(appeal).providers) == {"gmail": (2, 1)}
    signs(appeal, "a@gmail.com")
    assert of(seen(appeal).providers) == {"gmail": (3, 1)}
    withdraw(signature, context=context(clock.now, SUPPORTER))
    assert of(seen(appeal).providers) == {"gmail": (3, 1)}


def test_what_looks_like_a_flood_is_not_counted_and_changes_nothing_that_waits(app: Flask, appeal: AppealView) -> None:
    signs(appeal, "a@gmail.com", flag="network")
    assert seen(appeal).total.signed == 0
    signs(appeal, "a@gmail.com")
    assert seen(appeal).total.signed == 1
    waiting = select(*SignedUp.__table__.c).where(SignedUp.flag.is_(None))
    before = db.session.execute(waiting).one()
    db.session.rollback()
    assert signs(appeal, "a@gmail.com", flag="network") == before.id, "it is found by its address still"
    assert db.session.execute(waiting).one() == before
    assert seen(appeal).total.signed == 1


@pytest.mark.parametrize(
    ("waited", "step"),
    [
        (timedelta(seconds=300), FunnelStage.WITHIN_5_MINUTES),
        (timedelta(seconds=301), FunnelStage.WITHIN_HOUR),
        (timedelta(days=1), FunnelStage.WITHIN_DAY),
        (timedelta(days=2), FunnelStage.WITHIN_3_DAYS),
        (timedelta(days=6), FunnelStage.LATER),
    ],
)
def test_how_long_confirming_took(waited: timedelta, step: FunnelStage) -> None:
    assert confirmation_stage(waited) is step


def test_no_domain_belongs_to_two_providers() -> None:
    every = [domain for domains in PROVIDERS.values() for domain in domains]
    assert len(every) == len(set(every))


def test_folding_keeps_every_sum_and_bounds_the_rows(
    app: Flask, appeal: AppealView, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_SOURCES", 2)
    for number in range(12):
        signs(appeal, f"p{number}@gmail.com", via=f"tag-{number % 6}")
        signs(appeal, f"q{number}@gmail.com", via="much")
        clock.now += timedelta(days=3)
    before = seen(appeal)
    roll_up_funnel(context=context(clock.now))
    after = seen(appeal)
    assert after.providers == before.providers
    assert of(after.sources) == {"much": (12, 0), OTHER_SOURCES: (10, 0), "tag-0": (2, 0)}
    days = db.session.execute(select(func.count(FunnelCount.day.distinct()))).scalar_one()
    assert days <= 6
    roll_up_funnel(context=context(clock.now))
    assert seen(appeal) == after


def test_folding_touches_only_what_is_not_folded_yet(app: Flask, appeal: AppealView, clock: Clock) -> None:
    for number in range(6):
        signs(appeal, f"p{number}@gmail.com", via="stall-lyon")
    clock.now += timedelta(days=1)
    with transaction() as session:
        session.execute(update(FunnelCount).values(slot=FunnelCount.slot + 20))
    before = seen(appeal)
    db.session.rollback()
    roll_up_funnel(context=context(clock.now))
    assert set(db.session.scalars(select(FunnelCount.slot))) == {0}
    assert seen(appeal) == before
    db.session.rollback()
    with recorded_statements() as statements:
        assert [roll_up_funnel(context=context(clock.now + timedelta(days=day))) for day in range(3)] == [0, 0, 0]
    kinds = {statement.split(maxsplit=1)[0] for statement in statements}
    assert not {"LOCK", "DELETE", "INSERT"} & kinds, "who signs waits for nothing once all is folded"


def test_a_provider_that_keeps_mail_back_is_told() -> None:
    whole = FunnelRow("", 200, 100, 200, 100)
    good, bad = FunnelRow("good", 100, 90, 100, 90), FunnelRow("bad", 100, 10, 100, 10)
    found = Funnel(whole, (good, bad), (), {})
    assert found.may_block_mail(bad)
    assert not found.may_block_mail(good)
    assert not found.may_block_mail(FunnelRow("few", 5, 0, 5, 0))
