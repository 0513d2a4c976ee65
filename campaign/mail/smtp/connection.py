"""A Flask-Mail connection that reports the outcome of each message by phase and code.

Flask-Mail raises the same exception for a connection closed at the start and for one lost after the final dot. A
delivery must distinguish them: the first message can be sent again, the second may have arrived (ADR 24).
"""

from __future__ import annotations

import logging
import smtplib
from abc import ABC, abstractmethod
from email.utils import parseaddr
from typing import Self

from flask import Flask
from flask_mail import BadHeaderError, Connection, Message, email_dispatched

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.platform.signals import send_robust

log = logging.getLogger(__name__)

_NOT_ATTEMPTED = DeliveryAttempt(DeliveryOutcome.RETRY, "before", detail="no attempt was made")
_SUPPRESSED_ATTEMPT = DeliveryAttempt(DeliveryOutcome.SENT, "before", detail="MAIL_SUPPRESS_SEND is on")


class DeliveryError(smtplib.SMTPException):
    """A message that was not sent, or may not have been sent. `attempt` is the outcome, with its phase and reason."""

    def __init__(self, attempt: DeliveryAttempt) -> None:
        super().__init__(" ".join(str(part) for part in (attempt.phase, attempt.code, attempt.detail) if part))
        self.attempt = attempt


class MailConnection(Connection, ABC):
    """A connection that sends many messages, one after the other. Subclasses define the destination.

    It is opened at the first message, because a failure to connect is an outcome of that message.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(app.extensions["mail"])
        self.app = app
        # The outcome of the last message.
        self.attempt = _NOT_ATTEMPTED

    def __enter__(self) -> Self:
        """Return the connection, with its count of messages reset."""
        self.num_emails = 0
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connection."""
        self.close()

    def send(self, message: Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Send the message to its one recipient, then emit the signal `email_dispatched`. Raises DeliveryError.

        Under MAIL_SUPPRESS_SEND the message counts as sent, but is not delivered. `attempt` is set to the outcome, also
        where DeliveryError is raised.
        """
        self.attempt = self._deliver_message(message, envelope_from)
        if self.attempt.outcome is not DeliveryOutcome.SENT:
            raise DeliveryError(self.attempt)
        self.num_emails += 1
        if self.num_emails == self.mail.max_emails:
            self.num_emails = 0
            self.close()
        # The message is sent: an error in a receiver of the signal must not cause it to be sent again.
        send_robust(email_dispatched, self.app, message=message)

    def _deliver_message(self, message: Message, envelope_from: str | tuple[str, str] | None) -> DeliveryAttempt:
        """Return the outcome of delivering the message; DEAD where it cannot be written as bytes."""
        try:
            sender, recipient, content = _envelope_and_content(message, envelope_from)
        except Exception as error:  # nothing was sent yet, and another attempt would fail in the same way
            log.exception("the message %s cannot be written", message.msgId)
            detail = f"{type(error).__name__}: {error}"[:200]
            return DeliveryAttempt(DeliveryOutcome.DEAD, "render", detail=detail)
        return _SUPPRESSED_ATTEMPT if self.mail.suppress else self.deliver(sender, recipient, content)

    @abstractmethod
    def deliver(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Deliver the content and return the outcome; raise nothing.

        `sender` is the return path, `recipient` the only recipient of the envelope.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection between two messages; the next message opens it again."""

    @abstractmethod
    def abort(self) -> None:
        """Abort the message that another thread is sending. Its outcome is that of a lost connection."""


def _envelope_and_content(message: Message, envelope_from: str | tuple[str, str] | None) -> tuple[str, str, bytes]:
    """Return the return path, the recipient and the bytes. Raises ValueError, BadHeaderError."""
    if message.has_bad_headers():
        raise BadHeaderError("a line break in a header")
    if len(message.send_to) != 1:
        raise ValueError("a message has one recipient, because it has one outcome")
    (recipient,) = message.send_to
    return _address_only(envelope_from or message.sender), _address_only(recipient), message.as_bytes()


def _address_only(address: str | tuple[str, str]) -> str:
    """Return the address without its display name."""
    if isinstance(address, tuple):
        return address[1]
    return parseaddr(address)[1] if "<" in address else address
