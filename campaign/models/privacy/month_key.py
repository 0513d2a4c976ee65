"""The keys of months, under which domains and networks are digested, so that digests end with the key."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class MonthKey(Model):
    """The random key, encrypted, of the month with that number. Deleted once no digest under it is stored any more."""

    __tablename__ = "month_key"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_sealed: Mapped[bytes]
