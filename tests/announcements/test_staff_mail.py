"""Mail to recipients who are not signers: its content is sealed in the outbox, and erased once it is sent."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Role
from campaign.models import Mail
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.outbox.enqueue import enqueue_to_address
from tests.announcements.announcements import mark_other_mail_sent
from tests.conftest import Postbox, context, form, text_of
from tests.staff.staff_clients import join_staff

RECIPIENT = "editor@section.example"
INVITATION = {"url": "https://x.example/i/1", "section": "France", "role": "editor", "valid": "48 hours"}
ALERT = {"subject": "mail is held", "text": "The server refuses us.\n\nNothing is lost.", "url": ""}


def enqueue_notice(kind: MailKind, content: dict[str, str], locale: str = "en") -> None:
    with transaction() as session:
        enqueue_to_address(
            session.connection(),
            kind,
            parse_address(RECIPIENT),
            content,
            locale=locale,
            context=context(),
        )


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        (MailKind.STAFF_INVITATION, INVITATION, "editor of France"),
        (MailKind.STAFF_ALERT, ALERT, "Nothing is lost."),
        (MailKind.STAFF_SECURITY, {**ALERT, "url": "https://x.example/s"}, "https://x.example/s"),
    ],
)
def test_staff_get_the_mail_and_its_content_is_erased(
    app: Any, deliver: Any, postbox: Postbox, kind: MailKind, content: dict[str, str], said: str
) -> None:
    enqueue_notice(kind, content)
    row = db.session.scalars(select(Mail)).one()
    assert row.recipient_sealed is not None
    assert RECIPIENT.encode() not in row.recipient_sealed
    db.session.rollback()
    assert deliver() == {"sent": 1}
    assert postbox.recipients == [RECIPIENT]
    assert said in text_of(postbox.messages[0])
    assert postbox.messages[0]["List-Unsubscribe"] is None
    db.session.rollback()
    row = db.session.scalars(select(Mail)).one()
    assert (row.recipient_sealed, row.context_sealed) == (None, None)


def test_failed_mail_to_staff_keeps_its_address_for_a_retry(app: Any, deliver: Any, postbox: Postbox) -> None:
    enqueue_notice(MailKind.STAFF_ALERT, ALERT, "fr")
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "data", 554)]
    deliver()
    db.session.rollback()
    assert db.session.scalars(select(Mail.recipient_sealed)).one() is not None
    assert postbox.messages[0]["Subject"] == "Tocsin a besoin de vous\u00a0: mail is held"


def test_mail_to_staff_has_no_mailbox_limit(app: Any, deliver: Any, postbox: Postbox) -> None:
    for _ in range(6):
        enqueue_notice(MailKind.STAFF_SECURITY, ALERT)
    assert deliver() == {"sent": 6}


def test_staff_are_alerted_once_that_the_server_refused_all_mail(
    app: Any, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for email, role in (("coordinator@staff.example", Role.COORDINATOR), ("editor@staff.example", Role.EDITOR)):
        join_staff(app, email, role)
    mark_other_mail_sent()
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.SENDER_REFUSED, "auth", 535, "5.7.8 wrong password")] * 2
    for _ in range(4):
        deliver()
    assert set(postbox.recipients) == {"coordinator@staff.example", "jeanne@mail.example"}
    assert db.session.scalars(select(Mail.state).where(Mail.kind == MailKind.STAFF_ALERT)).all() == ["sent"]
    alert = next(message for message in postbox.messages if message["To"] == "coordinator@staff.example")
    assert alert["Subject"] == "Tocsin needs you: the mail server refused all mail"
    assert "auth 535 5.7.8 wrong password" in text_of(alert)
    assert "/staff/outbox" in text_of(alert)
