"""Delivery into a Maildir, where the mailbox page of the demonstration finds the messages."""

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
        """Return that the message is sent once its file is on the disk."""
        try:
            self._box.add(b"Return-Path: <" + sender.encode() + b">\n" + content.replace(b"\r\n", b"\n"))
        except OSError as error:
            return DeliveryAttempt(DeliveryOutcome.AWAY, "maildir", detail=str(error.strerror))
        return DeliveryAttempt(DeliveryOutcome.SENT, "maildir")

    def close(self) -> None:
        """Close the folder."""
        self._box.close()

    def abort(self) -> None:
        """Do nothing: a file is written at once."""
