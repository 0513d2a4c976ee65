"""The workers and what they get done: each process writes its own row every few seconds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class Worker(Model):
    """One worker process. A worker that is told to stop takes its row with it; one that breaks leaves it.

    The times are those of the database server, also where a test moves the database's clock.
    """

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    # When the loop that is furthest behind last got its round done.
    done_at: Mapped[datetime | None]
    # Errors of ours, of this process and of those before it on the same machine.
    failures: Mapped[int] = mapped_column(Integer)
    # The last of them; `is_broken` where it ended the process.
    error: Mapped[str | None] = mapped_column(String(400))
    is_broken: Mapped[bool]
    # What this worker cannot do for reasons outside the program: its clock is wrong, a folder cannot be written.
    trouble: Mapped[str | None] = mapped_column(String(400))
