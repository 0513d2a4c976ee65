"""A mail server of the end-to-end tests that stores what arrives."""

from __future__ import annotations

import threading

from aiosmtpd.smtp import SMTP, Envelope, Session


class Inbox:
    """A mail server that stores what arrives, by recipient."""

    def __init__(self) -> None:
        self.mails: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        with self._lock:
            for recipient in envelope.rcpt_tos:
                self.mails.setdefault(recipient, []).append(envelope.content)
        return "250 OK"
