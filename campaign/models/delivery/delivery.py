"""What all workers must agree on when they deliver: whom not to write to, when to wait, and what time it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Suppression(Model):
    """An address that gets no more mail, whatever it is owed; only a keyed digest of it is kept."""

    __tablename__ = "suppression"
    __table_args__ = (one_of("reason", SuppressionReason),)

    # Tells persons apart, unlike the wider digest of the caps: where dots count, a refused `j.oe@` says nothing about
    # `joe@`. Of its own use, so that it cannot be joined with a signature.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]


class QueuePause(Model):
    """The server refuses us and not a recipient: nothing is sent but now and then one mail to see whether it is over.

    Ended holds are kept: the time they took does not count against the mails that waited.
    """

    __tablename__ = "queue_pause"
    __table_args__ = (
        # One hold at a time, whichever worker meets the refusal first.
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
    # What the server said last, as in a mail's row.
    phase: Mapped[str]
    code: Mapped[int | None]
    detail: Mapped[str | None]


class DomainRate(Model):
    """When the next mail may go to a domain under TOCSIN_MAIL_RATE, over all workers."""

    __tablename__ = "domain_rate"

    domain_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    next_at: Mapped[datetime]


class ClockOffset(Model):
    """How far the tests have moved the database's clock. Empty in production: nothing but tests writes it."""

    __tablename__ = "clock_offset"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seconds: Mapped[int]
