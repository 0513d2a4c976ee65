"""Tables against abuse: spent proofs of work, requests for links, and alerts that were sent to staff."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model

# The `appeal_id` of an alert that is about all appeals together.
ALL_APPEALS = 0


class SpentSolution(Model):
    """A proof of work that was accepted, and must not be accepted again. The row is needed until the proof expires."""

    __tablename__ = "spent_solution"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime]


class LinkRequest(Model):
    """A request to send an address its links again. A worker looks up whether the address has signed anything.

    The page stores the request without a look-up, so that it takes equally long whether or not the address has signed.
    """

    __tablename__ = "link_request"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email_sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class AbuseAlert(Model):
    """An alert that was sent to staff: once for each kind, appeal, and hour or deadline, because of the primary key."""

    __tablename__ = "abuse_alert"

    kind: Mapped[str] = mapped_column(primary_key=True)
    # The appeal, or ALL_APPEALS.
    appeal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    window_at: Mapped[datetime] = mapped_column(primary_key=True)
    raised_at: Mapped[datetime]
