"""The keys of months, under which domains and networks are told apart for a while."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class MonthKey(Model):
    """A random key, sealed, of the month with that number; forgotten when nothing is kept under it any more."""

    __tablename__ = "month_key"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_sealed: Mapped[bytes]
