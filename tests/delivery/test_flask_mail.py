"""Mail is sent by Flask-Mail: its signal, its record of messages and MAIL_SUPPRESS_SEND work as documented."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_mail import Message, email_dispatched
from sqlalchemy import select

from campaign.config import ROOT
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.staff.actor import OPERATOR
from campaign.mail.extension import mail, mail_config
from campaign.mail.messages.envelope import Envelope, MailMessage
from campaign.mail.smtp.connection import DeliveryError
from campaign.models import Mail
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.delivery.dispatcher import deliver_due
from tests.conftest import START, Postbox, form
from tests.faults.smtp_script import Reply, Script, Server

URL = "/en/appeals/ana-ruiz-vega/sign"
ENVELOPE = Envelope("Tocsin <act@tocsin.example>", "jeanne@mail.example", "<1@tocsin.example>", START, "en")


class RefusesAll(Script):
    def rcpt(self, recipient: str) -> Reply:
        return Reply("550 5.1.1 nobody")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def configure(app: Flask, server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that binds Flask-Mail to the server again, with further configuration."""
    monkeypatch.setitem(app.extensions, "mail", app.extensions["mail"])

    def bind(**more: object) -> None:
        for name, value in (mail_config(f"smtp://127.0.0.1:{server.port}") | more).items():
            monkeypatch.setitem(app.config, name, value)
        mail.init_app(app)

    return bind


def test_only_the_extension_makes_connections_and_only_their_modules_use_smtplib() -> None:
    importers: dict[str, set[str]] = {"smtplib": set(), "SmtpConnection": set(), "MaildirConnection": set()}
    for path in (ROOT / "campaign").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name in importers.keys() & {alias.name for alias in node.names}:
                    importers[name].add(path.relative_to(ROOT / "campaign").as_posix())
    assert importers == {
        "smtplib": {"mail/smtp/client.py", "mail/smtp/connection.py", "mail/smtp/smtp_protocol.py"},
        "SmtpConnection": {"mail/extension.py"},
        "MaildirConnection": {"mail/extension.py"},
    }


def test_sent_messages_are_recorded(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    client.post(URL, data=form(email="a@mail.example"))
    client.post(URL, data=form(email="b@mail.example"))
    with mail.record_messages() as outbox:
        assert deliver() == {"sent": 2}
    assert sorted(message.recipients for message in outbox) == [["a@mail.example"], ["b@mail.example"]]
    recorded = [message_from_bytes(message.as_bytes(), policy=policy.default).as_string() for message in outbox]
    assert sorted(recorded) == sorted(message.as_string() for message in postbox.messages)


def test_refused_messages_are_not_recorded(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "data", 554, "no")]
    with mail.record_messages() as outbox:
        assert deliver() == {"dead": 1}
    assert outbox == []


@pytest.mark.parametrize("is_suppressed", [False, True])
def test_with_suppressed_sending_no_mail_leaves_but_counts_as_sent(
    client: FlaskClient, appeal: AppealView, server: Server, configure: Callable[..., None], is_suppressed: bool
) -> None:
    client.post(URL, data=form())
    configure(MAIL_SUPPRESS_SEND=is_suppressed)
    with mail.record_messages() as outbox:
        assert deliver_due(connections=1, context=runtime().context(OPERATOR)) == {"sent": 1}
    assert [message.recipients for message in outbox] == [["jeanne@mail.example"]]
    assert (server.connections, len(server.received)) == ((0, 0) if is_suppressed else (1, 1))
    assert db.session.scalars(select(Mail.state)).all() == ["sent"]


def test_a_signal_receiver_gets_the_message_and_can_use_the_database(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    seen: list[tuple[object, Message, str]] = []

    def count(sender: object, message: Message) -> None:
        seen.append((sender, message, db.session.scalars(select(Mail.state)).one()))

    with email_dispatched.connected_to(count, sender=app):
        deliver()
    ((sender, message, state),) = seen
    assert sender is app
    assert state == "sending"
    assert message.subject == postbox.messages[0]["Subject"]
    assert message.send_to == {"jeanne@mail.example"}


def test_a_failing_signal_receiver_causes_no_second_mail(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    client.post(URL, data=form())
    with email_dispatched.connected_to(Mock(side_effect=ValueError("broken"))):
        assert deliver() == {"sent": 1}
    assert "a receiver of email-dispatched failed" in [record.getMessage() for record in caplog.records]
    assert len(postbox.messages) == 1


def test_a_message_of_flask_mail_is_sent_as_documented(server: Server, configure: Callable[..., None]) -> None:
    configure()
    mail.send(Message("Hello", ["Jeanne <jeanne@mail.example>"], "A text", sender=("Tocsin", "act@tocsin.example")))
    (received,) = server.received
    assert (received.sender, received.recipient) == ("act@tocsin.example", "jeanne@mail.example")
    sent = message_from_bytes(received.content, policy=policy.default)
    assert (sent["Subject"], sent["To"]) == ("Hello", "Jeanne <jeanne@mail.example>")


def test_a_refusal_is_raised_with_its_phase_and_code(server: Server, configure: Callable[..., None]) -> None:
    configure()
    server.script = RefusesAll()
    with mail.connect() as connection, pytest.raises(DeliveryError) as raised:
        connection.send(MailMessage(ENVELOPE, "Hello", "text", "<p>text", {}))
    attempt = raised.value.attempt
    assert (attempt.outcome, attempt.phase, attempt.code) == (DeliveryOutcome.MAILBOX_REFUSED, "rcpt", 550)
    assert connection.attempt == attempt


@pytest.mark.parametrize(
    "message",
    [
        Message("Hello", ["a@mail.example"], "text", sender="act@tocsin.example", cc=["b@mail.example"]),
        Message("Hello\r\nBcc: x@evil.example", ["a@mail.example"], "text", sender="act@tocsin.example"),
        MailMessage(ENVELOPE, "Hello", "", "", {}),
    ],
    ids=["two recipients", "a header too many", "no text"],
)
def test_an_invalid_message_fails_before_a_connection_is_opened(
    server: Server, configure: Callable[..., None], caplog: pytest.LogCaptureFixture, message: Message
) -> None:
    configure()
    with (
        caplog.at_level(logging.CRITICAL, "campaign.mail"),
        mail.connect() as connection,
        pytest.raises(DeliveryError) as raised,
    ):
        connection.send(message)
    assert (raised.value.attempt.outcome, raised.value.attempt.phase) == (DeliveryOutcome.DEAD, "render")
    assert server.connections == 0


@pytest.mark.parametrize(("most", "connections"), [(None, 1), (2, 3)])
def test_a_connection_serves_as_many_messages_as_configured(
    server: Server, configure: Callable[..., None], most: int | None, connections: int
) -> None:
    configure(MAIL_MAX_EMAILS=most)
    with mail.connect() as connection:
        for _ in range(5):
            connection.send(MailMessage(ENVELOPE, "Hello", "text", "<p>text", {}))
    assert len(server.received) == 5
    assert server.connections == connections


def test_a_message_has_every_field_of_flask_mails_and_needs_no_name_service(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Message("Hello", ["a@mail.example"], "text", "<p>text", sender="act@tocsin.example")
    monkeypatch.setattr("socket.getfqdn", Mock(side_effect=AssertionError("the name service was asked")))
    ours = MailMessage(ENVELOPE, "Hello", "text", "<p>text", {})
    assert vars(ours).keys() == vars(theirs).keys()
    assert {name: type(value) for name, value in vars(ours).items() if name not in {"date", "extra_headers"}} == {
        name: type(value) for name, value in vars(theirs).items() if name not in {"date", "extra_headers"}
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("maildir:/srv/mail", {"MAIL_MAILDIR": "/srv/mail"}),
        ("smtp://mail.example", {"MAIL_SERVER": "mail.example", "MAIL_PORT": 25, "MAIL_USERNAME": None}),
        ("smtps://mail.example", {"MAIL_PORT": 465, "MAIL_USE_SSL": True, "MAIL_USE_TLS": False}),
        (
            "smtp+starttls://act%40tocsin:p%2Fw@mail.example:2525",
            {"MAIL_PORT": 2525, "MAIL_USERNAME": "act@tocsin", "MAIL_PASSWORD": "p/w", "MAIL_USE_TLS": True},
        ),
    ],
)
def test_the_mail_url_becomes_flask_mails_configuration(url: str, expected: dict[str, object]) -> None:
    assert mail_config(url).items() >= expected.items()
