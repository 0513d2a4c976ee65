"""Counts of the stages that sign-ups have reached: changed in the sign-up's own transaction, and spread over slots."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.counting.funnel import FunnelAspect, FunnelStage
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class FunnelCount(Model):
    """The number of sign-ups of one day (UTC) that reached a stage, by mail provider or source. It has no addresses."""

    __tablename__ = "funnel_count"
    __table_args__ = (one_of("aspect", FunnelAspect), one_of("funnel_stage", FunnelStage))

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"), primary_key=True)
    aspect: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    funnel_stage: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(BigInteger)
