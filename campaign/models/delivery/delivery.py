"""State that all workers share when they deliver: suppressed addresses, pauses, rates, and the clock's offset."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Suppression(Model):
    """An address that receives no mail any more. Only a keyed digest of the address is stored."""

    __tablename__ = "suppression"
    __table_args__ = (one_of("reason", SuppressionReason),)

    # Dots count, unlike in the digest of the mailbox limits: if `j.oe@` and `joe@` are two mailboxes, a bounce of one
    # says nothing about the other. Derived for this table only, so that it cannot be joined with a signature.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]


class QueuePause(Model):
    """A pause of the whole queue, because the mail server refuses the sender, not one recipient.

    During a pause a single mail is sent now and then, as a probe. Ended pauses stay in the table, because their time
    does not count against the mails that waited.
    """

    __tablename__ = "queue_pause"
    __table_args__ = (
        # At most one open pause, even if several workers meet the refusal at once.
        Index(
            "uq_queue_pause_is_open",
            "is_open",
            unique=True,
            sqlite_where=text("is_open"),
            postgresql_where=text("is_open"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    is_open: Mapped[bool] = mapped_column(default=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    probe_at: Mapped[datetime]
    probes: Mapped[int] = mapped_column(default=0)
    # The server's last answer, as in a mail's row.
    phase: Mapped[str]
    code: Mapped[int | None]
    detail: Mapped[str | None]


class DomainRate(Model):
    """The earliest time of the next mail to a domain under TOCSIN_MAIL_RATE, shared by all workers."""

    __tablename__ = "domain_rate"

    domain_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    next_at: Mapped[datetime]


class ClockOffset(Model):
    """The seconds by which tests have moved the database's clock. Empty in production: only tests write it."""

    __tablename__ = "clock_offset"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seconds: Mapped[int]
