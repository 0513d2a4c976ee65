"""The workers and their progress: each process updates its own row every few seconds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import Model


class Worker(Model):
    """One worker process. It deletes its row when it stops normally, but not after an error.

    The times are those of the database server's own clock, which tests do not change.
    """

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    # When the loop that is furthest behind last completed a round.
    done_at: Mapped[datetime | None]
    # The number of errors of this program, in this process and in those before it on the same machine.
    failures: Mapped[int] = mapped_column(Integer)
    # The last error; `is_broken` if it ended the process.
    error: Mapped[str | None] = mapped_column(String(400))
    is_broken: Mapped[bool]
    # Troubles outside the program: a wrong clock, a folder that cannot be written to.
    trouble: Mapped[str | None] = mapped_column(String(400))
