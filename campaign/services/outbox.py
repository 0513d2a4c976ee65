"""Writing down, in the transaction that owes it, that a mail is owed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from campaign.domain.outbox import MailKind, MailState
from campaign.models import Mail

_INSERT = insert(Mail)


@dataclass(frozen=True, slots=True)
class Owed:
    """A message to a signer; its digests are those of the signer's address."""

    kind: MailKind
    signature_id: int
    mailbox_digest: bytes
    domain_digest: bytes
    locale: str
    text_language: str
    text_version: int


def enqueue(connection: Connection, owed: Owed, *, now: datetime, domain: str) -> None:
    """Adds the outbox row; whoever commits owes the mail. `domain` is ours, for the Message-ID (RFC 5322, 3.6.4)."""
    connection.execute(
        _INSERT,
        {
            "kind": owed.kind.value,
            "state": MailState.QUEUED.value,
            "signature_id": owed.signature_id,
            "mailbox_digest": owed.mailbox_digest,
            "domain_digest": owed.domain_digest,
            "message_id": f"<{secrets.token_hex(16)}@{domain}>",
            "created_at": now,
            "due_at": now,
            "locale": owed.locale,
            "text_language": owed.text_language,
            "text_version": owed.text_version,
            "attempts": 0,
            "ambiguous": 0,
            "fence": 0,
        },
    )
