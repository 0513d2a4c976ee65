"""The funnel: each stage of a sign-up is counted once, by provider and source, and the rollup keeps the sums."""

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
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from campaign.services.signing.withdraw import withdraw
from tests.conftest import Clock, Postbox, confirm_at, context
from tests.platform.statements import recorded_statements

VIEWER_SCOPE = Scope(1, Role.VIEWER, "fr")
COORDINATOR_SCOPE = Scope(2, Role.COORDINATOR, "fr")
Deliver = Callable[[], Any]


def sign_up_with(
    appeal: AppealView, email: str, *, via: str | None = None, section: str = "fr", flag: str | None = None
) -> int:
    app_runtime, now = runtime(), runtime().clock()
    request = SignUpRequest(appeal.id, section, "FR", "Ana", parse_address(email), "en", "en", 1, via, flag=flag)
    sign(request, context=context(now, SUPPORTER))
    digest = app_runtime.vault.address_digest(appeal.id, parse_address(email))
    found = db.session.scalars(
        select(SignedUp.id).where(SignedUp.address_digest == app_runtime.vault.waiting_digest(digest))
    ).one_or_none()
    db.session.rollback()
    return found or 0


def funnel_seen_by(appeal: AppealView, scope: Scope = VIEWER_SCOPE, section: str | None = None) -> Funnel:
    return funnel(appeal.id, scope, section=section, now=runtime().clock())


def signed_and_confirmed(rows: tuple[FunnelRow, ...]) -> dict[str, tuple[int, int]]:
    return {row.value: (row.signed, row.confirmed) for row in rows}


def test_signed_and_confirmed_by_provider_and_source(app: Flask, appeal: AppealView, clock: Clock) -> None:
    first = sign_up_with(appeal, "a@gmail.com", via="stall-lyon")
    sign_up_with(appeal, "b@googlemail.com", via="stall-lyon")
    sign_up_with(appeal, "c@hotmail.fr")
    sign_up_with(appeal, "d@small.example", via="poster")
    sign_up_with(appeal, "e@gmail.com", section="be-nl")
    clock.now += timedelta(minutes=30)
    confirm_at(first, clock.now)
    found = funnel_seen_by(appeal)
    assert signed_and_confirmed(found.providers) == {"gmail": (2, 1), "outlook": (1, 0), "other": (1, 0)}
    assert signed_and_confirmed(found.sources) == {"stall-lyon": (2, 1), "poster": (1, 0)}
    assert {step: number for step, number in found.waits.items() if number} == {FunnelStage.WITHIN_HOUR: 1}
    assert (found.total.signed, found.total.recent_signed, found.total.recent_confirmed) == (4, 4, 1)
    assert signed_and_confirmed(funnel_seen_by(appeal, VIEWER_SCOPE, "be-nl").providers) == signed_and_confirmed(
        found.providers
    ), "viewers see their own section"
    assert funnel_seen_by(appeal, COORDINATOR_SCOPE).total.signed == 5
    assert signed_and_confirmed(funnel_seen_by(appeal, COORDINATOR_SCOPE, "be-nl").providers) == {"gmail": (1, 0)}


def test_the_outcome_of_a_mail_is_in_no_sum(app: Flask, appeal: AppealView, deliver: Deliver, postbox: Postbox) -> None:
    sign_up_with(appeal, "a@gmail.com")
    sign_up_with(appeal, "b@gmail.com")
    before = funnel_seen_by(appeal)
    db.session.rollback()
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "rcpt", 554)]
    deliver()
    assert funnel_seen_by(appeal) == before


def test_every_form_is_counted_and_the_confirmation_once(app: Flask, appeal: AppealView, clock: Clock) -> None:
    number = sign_up_with(appeal, "a@gmail.com")
    sign_up_with(appeal, "a@gmail.com")
    assert signed_and_confirmed(funnel_seen_by(appeal).providers) == {"gmail": (2, 0)}
    signature = confirm_at(number, clock.now)
    confirm_at(number, clock.now)
    assert signed_and_confirmed(funnel_seen_by(appeal).providers) == {"gmail": (2, 1)}
    sign_up_with(appeal, "a@gmail.com")
    assert signed_and_confirmed(funnel_seen_by(appeal).providers) == {"gmail": (3, 1)}
    withdraw(signature, context=context(clock.now, SUPPORTER))
    assert signed_and_confirmed(funnel_seen_by(appeal).providers) == {"gmail": (3, 1)}


def test_a_flagged_form_is_not_counted_and_changes_no_waiting_form(app: Flask, appeal: AppealView) -> None:
    sign_up_with(appeal, "a@gmail.com", flag="network")
    assert funnel_seen_by(appeal).total.signed == 0
    sign_up_with(appeal, "a@gmail.com")
    assert funnel_seen_by(appeal).total.signed == 1
    waiting = select(*SignedUp.__table__.c).where(SignedUp.flag.is_(None))
    before = db.session.execute(waiting).one()
    db.session.rollback()
    assert sign_up_with(appeal, "a@gmail.com", flag="network") == before.id, (
        "the earlier form is still found by its address"
    )
    assert db.session.execute(waiting).one() == before
    assert funnel_seen_by(appeal).total.signed == 1


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
def test_the_stage_follows_the_time_until_the_confirmation(waited: timedelta, step: FunnelStage) -> None:
    assert confirmation_stage(waited) is step


def test_no_domain_belongs_to_two_providers() -> None:
    every = [domain for domains in PROVIDERS.values() for domain in domains]
    assert len(every) == len(set(every))


def test_the_rollup_keeps_every_sum_and_limits_the_rows(
    app: Flask, appeal: AppealView, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_SOURCES", 2)
    for number in range(12):
        sign_up_with(appeal, f"p{number}@gmail.com", via=f"tag-{number % 6}")
        sign_up_with(appeal, f"q{number}@gmail.com", via="much")
        clock.now += timedelta(days=3)
    before = funnel_seen_by(appeal)
    roll_up_funnel(context=context(clock.now))
    after = funnel_seen_by(appeal)
    assert after.providers == before.providers
    assert signed_and_confirmed(after.sources) == {"much": (12, 0), OTHER_SOURCES: (10, 0), "tag-0": (2, 0)}
    days = db.session.execute(select(func.count(FunnelCount.day.distinct()))).scalar_one()
    assert days <= 6
    roll_up_funnel(context=context(clock.now))
    assert funnel_seen_by(appeal) == after


def test_the_rollup_changes_only_rows_that_are_not_rolled_up(app: Flask, appeal: AppealView, clock: Clock) -> None:
    for number in range(6):
        sign_up_with(appeal, f"p{number}@gmail.com", via="stall-lyon")
    clock.now += timedelta(days=1)
    with transaction() as session:
        session.execute(update(FunnelCount).values(slot=FunnelCount.slot + 20))
    before = funnel_seen_by(appeal)
    db.session.rollback()
    roll_up_funnel(context=context(clock.now))
    assert set(db.session.scalars(select(FunnelCount.slot))) == {0}
    assert funnel_seen_by(appeal) == before
    db.session.rollback()
    with recorded_statements() as statements:
        assert [roll_up_funnel(context=context(clock.now + timedelta(days=day))) for day in range(3)] == [0, 0, 0]
    kinds = {statement.split(maxsplit=1)[0] for statement in statements}
    assert not {"LOCK", "DELETE", "INSERT"} & kinds, "a finished rollup delays no writer"


def test_a_provider_with_few_confirmations_is_marked() -> None:
    whole = FunnelRow("", 200, 100, 200, 100)
    good, bad = FunnelRow("good", 100, 90, 100, 90), FunnelRow("bad", 100, 10, 100, 10)
    found = Funnel(whole, (good, bad), (), {})
    assert found.may_block_mail(bad)
    assert not found.may_block_mail(good)
    assert not found.may_block_mail(FunnelRow("few", 5, 0, 5, 0))
