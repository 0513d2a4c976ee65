"""From which mail domains signatures were confirmed lately: keyed digests that no other table holds."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class MailDomain(Model):
    """A domain, but a large provider's: when and how many confirmed, sealed, in as many bytes for each domain.

    Whoever has a mailbox there finds the row, by confirming from it; so no day and no number stands in clear.
    """

    __tablename__ = "mail_domain"
    __table_args__ = (Index("ix_mail_domain_month", "month"), {"sqlite_with_rowid": False})

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    content: Mapped[bytes]
    # The first day of that in which the last one confirmed: the row is let go by it.
    month: Mapped[date]


class DomainWatch(Model):
    """One row: up to which action the worker has looked at the domains of confirmed signatures.

    Whoever reads and writes domains holds it until the end of the transaction.
    """

    __tablename__ = "domain_watch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    until_id: Mapped[int] = mapped_column(BigId)
    # Sections with many who confirmed from one new domain and erased at once, whose staff have yet to be told.
    untold: Mapped[list[str]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
