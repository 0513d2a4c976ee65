"""From which mail domains signatures were confirmed lately: keyed digests that no other table holds."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.extensions import BigId, Model


class MailDomain(Model):
    """A domain, but a large provider's: the days on which it first and last confirmed, and how many confirmed."""

    __tablename__ = "mail_domain"
    __table_args__ = (Index("ix_mail_domain_last", "last_on"), {"sqlite_with_rowid": False})

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    confirmed: Mapped[int] = mapped_column(BigInteger)


class DomainWatch(Model):
    """One row: up to which action the worker has looked at the domains of confirmed signatures."""

    __tablename__ = "domain_watch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    until_id: Mapped[int] = mapped_column(BigId)
