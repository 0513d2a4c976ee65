"""Bulk entries of staff for actions away from the site, and rows of paper sheets that wait to be signed up."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.counting.channel import Channel
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class BulkEntry(Model):
    """A quantity counted as `bulk` for one appeal, section and channel. Undoing subtracts it; the entry stays.

    For a paper sheet, `quantity` is the number of rows that are only counted, and `sign_ups` that of the other rows.
    """

    __tablename__ = "bulk_entry"
    __table_args__ = (
        one_of("channel", Channel),
        CheckConstraint("quantity >= 0 AND sign_ups >= 0 AND quantity + sign_ups > 0", name="quantity"),
        Index("ix_bulk_entry_place", "section_code", "appeal_id", "id"),
        Index("ix_bulk_entry_sheet_digest", "sheet_digest"),
        Index("ix_bulk_entry_action_id", "action_id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    channel: Mapped[str]
    quantity: Mapped[int]
    sign_ups: Mapped[int] = mapped_column(default=0)
    happened_on: Mapped[date]
    place: Mapped[str]
    note: Mapped[str]
    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id"))
    entered_at: Mapped[datetime]
    # A keyed digest of all rows of a paper sheet, to recognise the same sheet.
    sheet_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # The action with which it is counted; None if it is not counted yet or any more.
    action_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("action.id"))
    # Whether it is unusually large, and waits for a second person's confirmation before it is counted.
    is_waiting: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))


class SheetRow(Model):
    """A row of a paper sheet with an address. A worker signs it up within minutes, and deletes it in that transaction.

    The request that stores it does not look the address up, so that its answer cannot reveal who has signed.
    """

    __tablename__ = "sheet_row"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    bulk_entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("bulk_entry.id", ondelete="CASCADE"), index=True)
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    # Derived from the digest that a signature would have, but different (Vault.sheet_row_digest). An erasure deletes
    # waiting rows by it, so that a person who erases their data is not signed up afterwards.
    address_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    name_sealed: Mapped[bytes]
    email_sealed: Mapped[bytes]
    country: Mapped[str]
    locale: Mapped[str]
