"""The seeds from which row keys are derived, in a small table that is rewritten after keys were erased."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class RowKey(Model):
    """The seeds of up to 256 rows' keys (domain/privacy/row_key.py), encrypted.

    The row stays when all its seeds are erased. Ids are random, so that no batch is mistaken for one of the same id in
    an older or restored copy of the database.
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
    # For waiting sign-ups: the day from which none of them waits any more, so that the whole batch is deleted.
    expires_on: Mapped[date | None]
