"""The number of names and addresses that each person of the staff has opened on a day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class DisclosureDay(Model):
    """One person's day (UTC): people shown on pages, and files taken."""

    __tablename__ = "disclosure_day"

    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    shown: Mapped[int]
    files: Mapped[int]
