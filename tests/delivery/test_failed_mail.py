"""Failed mail is shown by reason, retried or dropped; answers are sent before campaign mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.errors import InputError
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, Mail, QueuePause
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.delivery import mail_status as queries
from campaign.queries.delivery.mail_status import domain_outcomes, failed_mail_groups, outbox_status
from campaign.services.delivery.failed_mail import FailedMailFilter, FailureReason, drop, retry
from tests.announcements.announcements import (
    confirmed_signer,
    fan_out_now,
    mark_other_mail_sent,
    member_of_staff,
    send_announcement,
)
from tests.conftest import START, Postbox, confirm_newest, context, form

# Only in the whole gate, because the quick part has to stay quick.
pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"


@pytest.fixture
def failed_mails(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    """Make three mails that failed permanently, for two reasons."""
    for name in ("a", "b", "c"):
        client.post(URL, data=form(email=f"{name}@mail.example"))
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "data", 554, "spam") for _ in range(2)]
    postbox.answers.append(DeliveryAttempt(DeliveryOutcome.DEAD, "rcpt", 550, "100% odd_words"))
    deliver()
    db.session.rollback()
    postbox.messages.clear()


def states() -> dict[str, int]:
    db.session.rollback()
    return {state: number for state, number in outbox_status().by_state.items() if number}


def test_reasons_are_listed_by_frequency(failed_mails: None) -> None:
    found = [
        (group.state, group.kind, group.phase, group.code, group.detail, group.number) for group in failed_mail_groups()
    ]
    assert found == [
        ("dead", "confirmation", "data", 554, "spam", 2),
        ("dead", "confirmation", "rcpt", 550, "100% odd_words", 1),
    ]


def test_mails_of_one_reason_are_retried_as_the_same_messages(
    failed_mails: None, deliver: Any, postbox: Postbox
) -> None:
    before = set(db.session.scalars(select(Mail.message_id).where(Mail.code == 554)))
    db.session.rollback()
    assert retry(FailedMailFilter(code=554, phase="data", kind="confirmation", words="SPA"), context=context()) == 2
    assert states() == {"retry": 2, "dead": 1}
    assert deliver() == {"sent": 2}
    assert {str(message["Message-ID"]) for message in postbox.messages} == before


@pytest.mark.parametrize(
    "chosen",
    [
        FailedMailFilter(code=1),
        FailedMailFilter(phase="dot"),
        FailedMailFilter(kind="update"),
        FailedMailFilter(words="%x"),
        FailedMailFilter(state="unknown"),
    ],
)
def test_a_filter_without_a_match_changes_nothing(failed_mails: None, chosen: FailedMailFilter) -> None:
    assert retry(chosen, context=context()) == drop(chosen, context=context()) == 0
    assert states() == {"dead": 3}


def test_a_dropped_mail_is_never_sent(failed_mails: None, deliver: Any) -> None:
    assert drop(FailedMailFilter(words="100% odd_"), context=context()) == 1
    assert drop(FailedMailFilter(), context=context()) == 2
    assert states() == {"suppressed": 3}
    assert deliver() == {}


def test_reasons_are_matched_exactly_and_logged(failed_mails: None, deliver: Any) -> None:
    first, second = (
        FailureReason(group.state, group.kind, group.phase, group.code, group.detail) for group in failed_mail_groups()
    )
    assert (
        drop(
            [replace(first, detail=None), replace(first, detail="spa"), replace(first, state="sent")], context=context()
        )
        == 0
    )
    assert retry([], context=context()) == 0
    who = member_of_staff()
    assert retry([first, second], context=context(START, staff_actor(Scope(who, Role.COORDINATOR, "fr")))) == 3
    assert deliver() == {"sent": 3}
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.act.startswith("mail."))).all()
    assert [(entry.act, entry.staff_id, (entry.after or {})["number"]) for entry in entries] == [("mail.retry", who, 3)]


def test_a_reason_without_a_code_is_found(failed_mails: None) -> None:
    db.session.execute(update(Mail).where(Mail.code == 550).values(code=None, phase="render", detail=None))
    db.session.commit()
    assert drop([FailureReason("dead", "confirmation", "render", None, None)], context=context()) == 1


def test_only_failed_mail_can_be_chosen(failed_mails: None) -> None:
    with pytest.raises(InputError):
        retry(FailedMailFilter(state="sent"), context=context())


def test_the_status_has_the_age_of_the_oldest_due_mail_and_the_queue_pause(
    client: FlaskClient, appeal: AppealView
) -> None:
    assert outbox_status().oldest_due_seconds == 0
    client.post(URL, data=form())
    db.session.execute(update(Mail).values(created_at=datetime.now(UTC) - timedelta(hours=2)))
    moment = {"began_at": START, "probe_at": START, "probes": 0}
    db.session.add(QueuePause(is_open=True, **moment, phase="connect", code=454, detail="no"))
    db.session.commit()
    found = outbox_status()
    assert found.oldest_due_seconds == pytest.approx(7200, abs=60)
    assert found.pause is not None
    assert (found.pause.phase, found.pause.code) == ("connect", 454)


def test_a_domain_is_named_only_if_many_share_it(
    client: FlaskClient, appeal: AppealView, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MIN_MAILBOXES", 3)
    for address in ("a@big.example", "b@big.example", "c@big.example", "jeanne@martin.example"):
        client.post(URL, data=form(email=address))
        confirm_newest(START)
    while deliver():
        pass
    db.session.rollback()
    found = domain_outcomes(runtime().vault, now=START + timedelta(days=1))
    assert [(one.domain, one.by_state["sent"]) for one in found] == [("big.example", 3), (None, 1)]
    assert domain_outcomes(runtime().vault, now=START + timedelta(days=9)) == ()


def test_an_answer_is_sent_before_the_campaign_mail_of_its_domain(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for number in range(5):
        confirmed_signer(appeal, f"s{number}")
    mark_other_mail_sent()
    send_announcement(appeal)
    fan_out_now()
    client.post(URL, data=form(email="new@mail.example"))
    while deliver():
        pass
    assert postbox.recipients[0] == "new@mail.example"
    assert len(postbox.recipients) == 6
