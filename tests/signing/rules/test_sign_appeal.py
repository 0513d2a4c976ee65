"""The service decides whether an appeal may be signed, for routes, paper sheets and the API alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from flask import Flask

from campaign.domain.abuse.challenge import ChallengeDemandError
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import AppealEndedError, InputError, NotFoundError, StateError
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import SignUp
from campaign.platform import db
from campaign.platform.network import Network
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.queries.sections.section import list_sections
from campaign.services.appeals.lifecycle import close, stop
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.signing import sign_appeal as service
from campaign.services.signing.sign_appeal import CheckedSignUp, check_signable, is_signable, sign_appeal
from tests.conftest import START, context, count_rows

FORM = CheckedSignUp(
    country="FR",
    name="Jeanne Martin",
    address=parse_address("jeanne@mail.example"),
    via=None,
    locale="fr",
    networks=(Network("/24", "0" * 32),),
)


def sign(appeal: AppealView, form: CheckedSignUp = FORM, now: datetime = START) -> None:
    app_runtime = runtime()
    sign_appeal(
        appeal,
        form,
        sections=list_sections(),
        target_mailboxes=TargetMailboxes(app_runtime.settings),
        context=context(now, SUPPORTER),
    )


def reloaded(appeal: AppealView) -> AppealView:
    db.session.rollback()
    current = find_appeal(appeal.slug)
    assert current is not None
    return current


def test_an_open_appeal_is_signed(app: Flask, appeal: AppealView) -> None:
    sign(appeal)
    assert count_rows(SignUp) == 1


@pytest.mark.parametrize("end", [close, stop])
def test_an_ended_appeal_is_refused(app: Flask, appeal: AppealView, end: Callable[..., bool]) -> None:
    end(appeal.slug, context=context())
    with pytest.raises(AppealEndedError):
        sign(reloaded(appeal))
    assert count_rows(SignUp) == 0


def test_a_draft_is_refused_as_not_found(app: Flask, appeal: AppealView) -> None:
    with pytest.raises(NotFoundError):
        sign(replace(appeal, state=AppealState.DRAFT))
    assert count_rows(SignUp) == 0


def test_the_deadline_is_that_of_the_signers_section(app: Flask, appeal: AppealView) -> None:
    """Apply 12 April per section: it ends in France at 22:00 UTC, and later in the rest of the world."""
    passed = datetime(2026, 4, 12, 22, 0, tzinfo=START.tzinfo)
    sign(appeal, now=passed - timedelta(seconds=1))
    assert count_rows(SignUp) == 1
    with pytest.raises(AppealEndedError):
        sign(appeal, now=passed)
    sign(appeal, replace(FORM, country="US", locale="en"), now=passed)
    assert count_rows(SignUp) == 2


def test_the_page_has_the_form_until_the_deadline_has_passed_in_every_section(app: Flask, appeal: AppealView) -> None:
    passed, sections = datetime(2026, 4, 12, 22, 0, tzinfo=START.tzinfo), list_sections()
    french = tuple(section for section in sections if section.code == "fr")
    assert is_signable(appeal, sections=french, now=passed - timedelta(seconds=1))
    assert not is_signable(appeal, sections=french, now=passed)
    assert is_signable(appeal, sections=sections, now=passed)
    assert not is_signable(replace(appeal, state=AppealState.CLOSED), sections=sections, now=START)


def test_a_signer_without_a_section_is_refused(app: Flask, appeal: AppealView) -> None:
    with pytest.raises(AppealEndedError):
        check_signable(appeal, "FR", "fr", sections=(), now=START)
    assert check_signable(appeal, "FR", "fr", sections=list_sections(), now=START).code == "fr"


def test_an_address_that_the_relay_cannot_carry_is_refused(
    app: Flask, appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "is_server_ascii_only", lambda _now: True)
    with pytest.raises(InputError, match="does not carry") as error:
        sign(appeal, replace(FORM, address=parse_address("josé@mail.example")))
    assert (error.value.field, error.value.code, count_rows(SignUp)) == ("email", "not-carried", 0)


def test_a_required_human_check_comes_with_its_challenge(app: Flask, appeal: AppealView) -> None:
    with pytest.raises(ChallengeDemandError) as asked:
        sign(appeal, replace(FORM, must_prove=True))
    assert asked.value.demand.ticket
    assert asked.value.demand.wait
    assert count_rows(SignUp) == 0


def test_signing_after_the_deadline_is_a_state_error(app: Flask, appeal: AppealView) -> None:
    with pytest.raises(StateError):
        sign(replace(appeal, deadline=date(2026, 2, 1)))
