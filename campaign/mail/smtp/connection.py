"""A connection of Flask-Mail that reports the outcome of each message by phase and code.

Flask-Mail raises the same exception for a server that hangs up at once and for a line that broke behind the final dot.
A delivery must tell them apart: the first message can be sent again, the second may have arrived (ADR 24).
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

_NOTHING_YET = DeliveryAttempt(DeliveryOutcome.RETRY, "before", detail="nothing was sent yet")
_SUPPRESSED = DeliveryAttempt(DeliveryOutcome.SENT, "before", detail="MAIL_SUPPRESS_SEND is on")


class DeliveryError(smtplib.SMTPException):
    """An attempt that did not end in `sent`; `attempt` says in which phase it ended and why."""

    def __init__(self, attempt: DeliveryAttempt) -> None:
        super().__init__(" ".join(str(part) for part in (attempt.phase, attempt.code, attempt.detail) if part))
        self.attempt = attempt


class MailConnection(Connection, ABC):
    """A connection that serves many messages, one after the other; subclasses define the destination.

    Nothing is opened before the first message, because a failure to connect is an outcome of that message.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(app.extensions["mail"])
        self.app = app
        # The outcome of the last message.
        self.attempt = _NOTHING_YET

    def __enter__(self) -> Self:
        """Return the connection, with no message counted."""
        self.num_emails = 0
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connection."""
        self.close()

    def send(self, message: Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Send the message to its one recipient, then the signal `email_dispatched`. Raises DeliveryError.

        Under MAIL_SUPPRESS_SEND the message counts as sent, and nothing leaves. `attempt` is the outcome either way.
        """
        self.attempt = self._outcome(message, envelope_from)
        if self.attempt.outcome is not DeliveryOutcome.SENT:
            raise DeliveryError(self.attempt)
        self.num_emails += 1
        if self.num_emails == self.mail.max_emails:
            self.num_emails = 0
            self.close()
        # The message has left: a receiver that fails must not have it sent again.
        send_robust(email_dispatched, self.app, message=message)

    def _outcome(self, message: Message, envelope_from: str | tuple[str, str] | None) -> DeliveryAttempt:
        try:
            sender, recipient, content = _written(message, envelope_from)
        except Exception as error:  # nothing has been said yet, and trying again changes nothing
            log.exception("the message %s cannot be written", message.msgId)
            detail = f"{type(error).__name__}: {error}"[:200]
            return DeliveryAttempt(DeliveryOutcome.DEAD, "render", detail=detail)
        return _SUPPRESSED if self.mail.suppress else self.deliver(sender, recipient, content)

    @abstractmethod
    def deliver(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Hand the content over and return the outcome; raise nothing.

        `sender` is the return path, `recipient` the only recipient of the envelope.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open between two messages; the next message opens it again."""

    @abstractmethod
    def abort(self) -> None:
        """Break off the message under way, from another thread; it ends as one whose line broke."""


def _written(message: Message, envelope_from: str | tuple[str, str] | None) -> tuple[str, str, bytes]:
    """Return the return path, the recipient and the bytes. Raises ValueError, BadHeaderError."""
    if message.has_bad_headers():
        raise BadHeaderError("a line break in a header")
    if len(message.send_to) != 1:
        raise ValueError("a message has one recipient, because it has one outcome")
    (recipient,) = message.send_to
    return _bare(envelope_from or message.sender), _bare(recipient), message.as_bytes()


def _bare(address: str | tuple[str, str]) -> str:
    """Return the address without the name beside it."""
    if isinstance(address, tuple):
        return address[1]
    return parseaddr(address)[1] if "<" in address else address
