"""What is kept to hold off floods: solutions that were spent, links asked for, and the alarms that were raised."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class SpentSolution(Model):
    """A proof of work that was taken once; the same one is not taken again before it expires anyway."""

    __tablename__ = "spent_solution"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime]


class LinkRequest(Model):
    """Somebody typed an address to have its links sent again; a worker looks whether there is anything under it.

    Written down without looking, so that the answer takes as long for an address that has signed as for any other.
    """

    __tablename__ = "link_request"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email_sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class AbuseAlert(Model):
    """Staff were told of something: one row for each kind, appeal, and hour or deadline, so that they are told once."""

    __tablename__ = "abuse_alert"

    kind: Mapped[str] = mapped_column(primary_key=True)
    # 0: all appeals together.
    appeal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    raised_at: Mapped[datetime]
