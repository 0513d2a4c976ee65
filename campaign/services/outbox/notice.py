"""Notices: mails to one address about a staff account or a change of address, enqueued like every other mail."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import Address
from campaign.platform.context import Context
from campaign.services.outbox.enqueue import enqueue_to_address


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to one person, in their language."""

    kind: MailKind
    recipient: Address
    subject: str
    text: str
    url: str
    locale: str

    def write(self, connection: Connection, *, context: Context) -> int:
        """Enqueue the notice in the transaction of `connection`; return the mail's id."""
        content = {"subject": self.subject, "text": self.text, "url": self.url}
        return enqueue_to_address(connection, self.kind, self.recipient, content, locale=self.locale, context=context)
