"""The number of names and addresses that each member of staff has opened on a day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class DisclosureDay(Model):
    """One staff member's day (UTC): the people shown on pages, and the files downloaded."""

    __tablename__ = "disclosure_day"

    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    shown: Mapped[int]
    files: Mapped[int]
