"""The mail domains from which signatures were confirmed lately, as keyed digests that occur in no other table."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class MailDomain(Model):
    """A mail domain that is not a large provider's: when and how many signatures were confirmed, encrypted.

    An attacker with a mailbox at the domain can find the row by confirming from there. So neither a day nor a number is
    in clear, and the content has the same length for every domain.
    """

    __tablename__ = "mail_domain"
    __table_args__ = (Index("ix_mail_domain_month", "month"), {"sqlite_with_rowid": False})

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    content: Mapped[bytes]
    # The first day of the month of the last confirmation; retention deletes the row by it.
    month: Mapped[date]


class DomainWatch(Model):
    """The last action whose mail domain the worker has examined: one row.

    A transaction that reads and writes domains locks it until its end.
    """

    __tablename__ = "domain_watch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    until_id: Mapped[int] = mapped_column(BigId)
    # Sections with many signatures from one new domain that were erased at once, whose staff have not been alerted yet.
    untold: Mapped[list[str]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
