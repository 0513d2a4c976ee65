"""Departures on their way from the transaction that made them into the file that outlives the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.privacy.erasure_journal import DepartureKind
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Departure(Model):
    """Somebody left and it is not written out yet; a worker does so within a second, and deletes the row."""

    __tablename__ = "departure"
    __table_args__ = (one_of("kind", DepartureKind), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    appeal_id: Mapped[int] = mapped_column(BigId)
    # Derived from the signature's, for this use alone.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    signed_at: Mapped[datetime]
    at: Mapped[datetime]
