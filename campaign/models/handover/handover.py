"""Lists of signatures made to be handed over, kept for some days; what is in them is sealed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.handover.handover import HandoverState
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Handover(Model):
    """One list of one section's signatures under one appeal: who asked for it, and how far it is."""

    __tablename__ = "handover"
    __table_args__ = (
        one_of("state", HandoverState),
        Index("ix_handover_appeal_id_section_code", "appeal_id", "section_code"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id"))
    # Of the covering letter; and the position of whom it goes to.
    language: Mapped[str]
    target: Mapped[int]
    # What it is for: whoever takes a file takes it for that.
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default=HandoverState.QUEUED)
    created_at: Mapped[datetime]
    # When its maker last said that it goes on.
    touched_at: Mapped[datetime]
    steps: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    # Known once it is made: how many signatures, how many of them with a name, and the digest of the list in hex.
    signatures: Mapped[int | None] = mapped_column(BigInteger)
    names: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]


class HandoverPart(Model):
    """A file of it, or a piece of one: pieces of the same name belong together in the order of their ids."""

    __tablename__ = "handover_part"
    __table_args__ = (Index("ix_handover_part_handover_id", "handover_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    handover_id: Mapped[int] = mapped_column(BigId, ForeignKey("handover.id", ondelete="CASCADE"))
    name: Mapped[str]
    content_sealed: Mapped[bytes]
