"""Counted acts: one row each (or one row for a quantity that staff entered). The tally is their sum."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Action(Model):
    """One counted act for one appeal and section by one channel. Uncounting deletes the row."""

    __tablename__ = "action"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("evidence", Evidence),
        CheckConstraint("quantity > 0", name="quantity"),
        # The same signature is counted once, and tells us of the same channel, target and day once. Whole, not partial:
        # erasing a signature looks here for what was done with it.
        Index(
            "uq_action_once",
            "signature_id",
            "channel",
            "target",
            "happened_on",
            unique=True,
        ),
        Index(
            "uq_action_signature",
            "signature_id",
            unique=True,
            sqlite_where=text("channel = 'signature'"),
            postgresql_where=text("channel = 'signature'"),
        ),
        # Reports of those who have not signed, while it is known where they came from.
        *(
            Index(
                name,
                *columns,
                sqlite_where=text("network_digest IS NOT NULL"),
                postgresql_where=text("network_digest IS NOT NULL"),
            )
            for name, columns in (
                ("ix_action_reported", ("section_code", "id")),
                ("ix_action_network_age", ("counted_at",)),
            )
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    channel: Mapped[str]
    evidence: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    # What was done stays counted when the signature behind it is erased.
    signature_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("signature.id", ondelete="SET NULL"))
    # The target's position; 0 where it is none of them in particular.
    target: Mapped[int] = mapped_column(default=0)
    happened_on: Mapped[date]
    counted_at: Mapped[datetime]
    # Keyed digests of the networks that a report without a signature came from, the narrow and the wide one; forgotten
    # after a month.
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    wide_network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
