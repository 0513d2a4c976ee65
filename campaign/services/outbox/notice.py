"""Notices to one address about an account or an address: written down in the outbox like every other mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address
from campaign.services.outbox.enqueue import owe_staff


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said to one person, in their language."""

    kind: MailKind
    to: Address
    subject: str
    text: str
    url: str
    locale: str

    def write(self, connection: Connection, *, now: datetime, vault: Vault, domain: str) -> int:
        """Owe it in the transaction of `connection`; return the mail's id."""
        context = {"subject": self.subject, "text": self.text, "url": self.url}
        given: dict[str, Any] = {"locale": self.locale, "now": now, "vault": vault, "domain": domain}
        return owe_staff(connection, self.kind, self.to, context, **given)
