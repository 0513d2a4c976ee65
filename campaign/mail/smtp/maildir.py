"""Delivery into a Maildir, from which the mailbox page of the demonstration reads the messages."""

from __future__ import annotations

import mailbox
from pathlib import Path

from flask import Flask

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.connection import MailConnection


class MaildirConnection(MailConnection):
    """A connection to one Maildir."""

    def __init__(self, app: Flask, path: Path) -> None:
        super().__init__(app)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._box = mailbox.Maildir(path)

    def deliver(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        """Write the message to a file; return SENT once it is on the disk, else UNREACHABLE."""
        try:
            self._box.add(b"Return-Path: <" + sender.encode() + b">\n" + content.replace(b"\r\n", b"\n"))
        except OSError as error:
            return DeliveryAttempt(DeliveryOutcome.UNREACHABLE, "maildir", detail=str(error.strerror))
        return DeliveryAttempt(DeliveryOutcome.SENT, "maildir")

    def close(self) -> None:
        """Close the folder."""
        self._box.close()

    def abort(self) -> None:
        """Do nothing: writing a file does not wait."""
