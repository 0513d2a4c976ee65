"""The seeds from which the keys of rows are derived: one small table, rewritten when keys were erased."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class RowKey(Model):
    """The seeds of up to 256 rows' keys (domain/privacy/row_key.py), sealed.

    It stays when all are erased, and holds none then.
    Ids are random: a batch that a restored or older copy of the database does not have is never taken for another.
    """

    __tablename__ = "row_key"
    __table_args__ = (
        Index(
            "ix_row_key_erased",
            "id",
            sqlite_where=text("erased_on IS NOT NULL"),
            postgresql_where=text("erased_on IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seeds_sealed: Mapped[bytes]
    # Since the table was rewritten last, keys of this batch were erased; the day only.
    erased_on: Mapped[date | None]
    # Of sign-ups that wait: the whole batch goes then, for none of them waits any longer.
    expires_on: Mapped[date | None]
