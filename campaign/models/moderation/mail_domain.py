"""The mail domains from which signatures were confirmed in recent months, as keyed digests of this table only."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class MailDomain(Model):
    """A mail domain that is not a large provider's, with its encrypted history of confirmations (`DomainHistory`).

    An attacker with a mailbox at the domain can recognise the row: it changes when the attacker confirms. So days and
    numbers are encrypted, and the content has the same length for every domain.
    """

    __tablename__ = "mail_domain"
    __table_args__ = (Index("ix_mail_domain_month", "month"), {"sqlite_with_rowid": False})

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    content: Mapped[bytes]
    # The first day of the month of the last confirmation. Retention deletes rows of old months.
    month: Mapped[date]


class DomainWatch(Model):
    """The only row: the last action whose mail domain the worker has counted.

    Every transaction that changes `mail_domain` locks it until its end.
    """

    __tablename__ = "domain_watch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    until_id: Mapped[int] = mapped_column(BigId)
    # Sections whose staff must be alerted to a new domain that the erasure counted; a worker sends the alert.
    sections_to_alert: Mapped[list[str]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
