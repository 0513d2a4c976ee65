"""The seeds from which the keys of rows are derived: one small table, rewritten after keys were erased."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class RowKey(Model):
    """The seeds of up to 256 rows' keys (domain/privacy/row_key.py), encrypted.

    The row stays when all its seeds are erased. Ids are random, so that a batch is never mistaken for another one that
    a restored or older copy of the database has under the same id.
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
    # The day on which keys of this batch were erased, if that was after the table was last rewritten.
    erased_on: Mapped[date | None]
    # For waiting sign-ups: the day on which none of them waits any longer, so that the whole batch is deleted.
    expires_on: Mapped[date | None]
