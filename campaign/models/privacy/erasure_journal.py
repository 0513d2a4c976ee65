"""Entries of the erasure journal on their way from the transaction that made them into its file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class ErasureJournalEntry(Model):
    """Somebody left and it is not written out yet; a worker does so within a second, and deletes the row."""

    __tablename__ = "erasure_journal"
    __table_args__ = (one_of("kind", ErasureKind), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    appeal_id: Mapped[int] = mapped_column(BigId)
    # Derived from the signature's, for this use alone.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    signed_at: Mapped[datetime]
    left_at: Mapped[datetime]
