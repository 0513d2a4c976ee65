"""What staff entered for what was done away from the site, and rows of paper sheets that wait to be signed up."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.counting.channel import Channel
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class BulkEntry(Model):
    """A quantity counted as `bulk` for one appeal, section and channel. Undoing uncounts it; the entry stays.

    Of a paper sheet the quantity is that of the rows without a usable address; `sign_ups` is how many had one.
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
    # Keyed, over all rows of a paper sheet: the same sheet is noticed.
    sheet_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # What it counts; None where it counts nothing (any more).
    action_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("action.id"))
    # Beyond the usual: counted once somebody else has confirmed it.
    waits: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))


class SheetRow(Model):
    """A row of a paper sheet with an address: a worker signs it up within minutes, and deletes it in the same moment.

    Written down without looking, so that nobody learns by typing an address whether it has signed.
    """

    __tablename__ = "sheet_row"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    bulk_entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("bulk_entry.id", ondelete="CASCADE"), index=True)
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    # Made of that of a signature, and equal to none (Vault.sheet_row_digest): whoever erases theirs meanwhile is not
    # signed up.
    address_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    name_sealed: Mapped[bytes]
    email_sealed: Mapped[bytes]
    country: Mapped[str]
    locale: Mapped[str]
