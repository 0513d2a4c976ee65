"""Entries of the erasure journal that are not in its file yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class ErasureJournalEntry(Model):
    """An erasure or withdrawal that a worker writes to the journal's file within a second; then it deletes the row."""

    __tablename__ = "erasure_journal"
    __table_args__ = (one_of("kind", ErasureKind), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    appeal_id: Mapped[int] = mapped_column(BigId)
    # Derived from the signature's digest, for this table alone.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    signed_at: Mapped[datetime]
    happened_at: Mapped[datetime]
