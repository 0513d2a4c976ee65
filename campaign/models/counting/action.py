"""Counted actions: one row for each action, or one for a quantity that staff entered. The tally has their sums."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Action(Model):
    """A counted action for one appeal and section by one channel. The row is deleted when it no longer counts."""

    __tablename__ = "action"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("evidence", Evidence),
        CheckConstraint("quantity > 0", name="quantity"),
        # A signature counts once, and one report counts for each channel, target and day. The index is not partial,
        # because erasing a signature uses it to find the signature's actions.
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
        # Reports without a signature, for as long as the network they came from is stored.
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
    # NULL after the signature is erased; the action stays counted.
    signature_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("signature.id", ondelete="SET NULL"))
    # The target's position; 0 where the action is not for a particular target.
    target: Mapped[int] = mapped_column(default=0)
    happened_on: Mapped[date]
    counted_at: Mapped[datetime]
    # Keyed digests of the networks that a report without a signature came from, the narrow and the wide one; deleted
    # after a month.
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    wide_network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
