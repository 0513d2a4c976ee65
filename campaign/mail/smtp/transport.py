"""How messages leave: by SMTP, or into a Maildir where the mailbox page of the demonstration finds them."""

from __future__ import annotations

import mailbox
from pathlib import Path
from typing import Protocol

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.client import SmtpTransport


class Transport(Protocol):
    """Sends one message after the other; nothing is raised, each call answers what became of it."""

    def send(self, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        """Hands the message over: `sender` is the return path, `recipient` the only one on the envelope."""

    def close(self) -> None:
        """Lets go of what is open between two messages; the next one opens it again."""

    def abort(self) -> None:
        """From another thread: breaks off the message under way, which then ends as a broken line does."""


class MaildirTransport:
    """Delivers into one Maildir."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._box = mailbox.Maildir(path)

    def send(self, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        """Sent once the file is on the disk."""
        try:
            self._box.add(b"Return-Path: <" + sender.encode() + b">\n" + message.replace(b"\r\n", b"\n"))
        except OSError as error:
            return DeliveryAttempt(DeliveryOutcome.AWAY, "maildir", detail=str(error.strerror))
        return DeliveryAttempt(DeliveryOutcome.SENT, "maildir")

    def close(self) -> None:
        """Nothing stays open."""
        self._box.close()

    def abort(self) -> None:
        """A file is written at once."""


def open_transport(url: str) -> Transport:
    """The transport that TOCSIN_MAIL_URL names; each lane of a worker has its own."""
    if url.startswith("maildir:"):
        return MaildirTransport(Path(url.removeprefix("maildir:")))
    return SmtpTransport(url)
