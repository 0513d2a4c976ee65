"""Runs of periodic jobs, each claimed by one worker: the first that inserts the row does the work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class PeriodicRun(Model):
    """One run of one job. Inserting the unique row claims it."""

    __tablename__ = "periodic_run"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None]
