"""The tally: stored counts, which are changed in the same transaction as the actions that they count.

Each count is spread over several rows (slots), so that connections that count for one section do not wait for one row.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Tally(Model):
    """The total by section, channel and evidence: the sum over its slots."""

    __tablename__ = "tally"
    __table_args__ = (one_of("channel", Channel), one_of("evidence", Evidence))

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    evidence: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(BigInteger)


class TallyHour(Model):
    """The count by the hour (UTC) in which actions were counted, for history and charts."""

    __tablename__ = "tally_hour"
    # The index finds the last hours over all appeals, for the flood alert, and the rows that the roll-up has to merge.
    __table_args__ = (one_of("channel", Channel), one_of("evidence", Evidence), Index("ix_tally_hour_hour", "hour"))

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    evidence: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(BigInteger)


class RollupProgress(Model):
    """The progress of rolling up the history. The table has one row.

    A transaction that subtracts from the history locks the row, so that no roll-up runs at the same time.
    """

    __tablename__ = "rollup_progress"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Before this day the history has one row a day, at 00:00 UTC; since then it has one an hour.
    days_before: Mapped[datetime]
    # Before this hour all slots are merged into slot 0.
    slots_before: Mapped[datetime]
