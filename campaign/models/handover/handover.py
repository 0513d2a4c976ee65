"""Lists of signatures to hand over. Their content is encrypted, and deleted after some days."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.handover.handover import HandoverState
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Handover(Model):
    """A list of one section's signatures for one appeal, with its requester and the progress of making it."""

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
    # The language of the covering letter, and the position of the target that it goes to.
    language: Mapped[str]
    target: Mapped[int]
    # The purpose, which is logged with each download.
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default=HandoverState.QUEUED)
    created_at: Mapped[datetime]
    # When the worker that makes it last stored its progress.
    progress_at: Mapped[datetime]
    steps: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    # Set when it is done: the number of signatures, the number of names, and the digest of the file of names.
    signatures: Mapped[int | None] = mapped_column(BigInteger)
    names: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]


class HandoverPart(Model):
    """A part of a file of a list. Parts with the same name form one file, in the order of their ids."""

    __tablename__ = "handover_part"
    __table_args__ = (Index("ix_handover_part_handover_id", "handover_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    handover_id: Mapped[int] = mapped_column(BigId, ForeignKey("handover.id", ondelete="CASCADE"))
    name: Mapped[str]
    content_sealed: Mapped[bytes]
