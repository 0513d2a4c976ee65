"""Invalidations, with their progress, and the actions that they removed from the counts."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.moderation.invalidation import InvalidatedKind, InvalidationState
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Invalidation(Model):
    """One invalidation in one section. The row has its progress, so that any worker can process the next batch."""

    __tablename__ = "invalidation"
    __table_args__ = (
        one_of("state", InvalidationState),
        one_of("kind", InvalidatedKind),
        Index("ix_invalidation_section", "section_code", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    # Whether it invalidates signatures with all their actions, or actions reported without a signature.
    kind: Mapped[str] = mapped_column(default=InvalidatedKind.SIGNATURES)
    # None: every appeal.
    appeal_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("appeal.id"))
    state: Mapped[str] = mapped_column(default=InvalidationState.COUNTING)
    # The criteria. They may contain parts of addresses, so they are encrypted, and deleted a month after the end.
    criteria_sealed: Mapped[bytes | None]
    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    # The highest id that it includes, so that later signatures and reports are left out. Then the last id that the
    # current pass has processed.
    until_id: Mapped[int] = mapped_column(BigId)
    after_id: Mapped[int] = mapped_column(BigId, default=0)
    matched: Mapped[int] = mapped_column(default=0)
    matched_confirmed: Mapped[int] = mapped_column(default=0)
    # The ids of the first matches, shown for review.
    sample: Mapped[list[int]] = mapped_column(JSON)
    changed: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None]
    begun_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))
    undone_at: Mapped[datetime | None]


class InvalidatedAction(Model):
    """An action that was removed from the counts, with all its columns: undoing the invalidation restores it."""

    __tablename__ = "invalidated_action"
    __table_args__ = (
        Index("ix_invalidated_action_signature_id", "signature_id"),
        Index("ix_invalidated_action_invalidation_id", "invalidation_id", "id"),
    )

    # The id of the action.
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    invalidation_id: Mapped[int] = mapped_column(BigId, ForeignKey("invalidation.id"))
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    channel: Mapped[str]
    evidence: Mapped[str]
    quantity: Mapped[int]
    # None: it was reported without a signature. Only then the section and the networks are stored here.
    signature_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("signature.id"))
    section_code: Mapped[str | None] = mapped_column(ForeignKey("section.code"))
    target: Mapped[int]
    happened_on: Mapped[date]
    counted_at: Mapped[datetime]
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    wide_network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
