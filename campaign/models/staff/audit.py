"""The audit log: who did what to which when. Rows are added, never changed; a trigger refuses anything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class AuditEntry(Model):
    """One act. Each entry's digest covers the one before, so that none can be changed or taken out unseen."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject"), Index("ix_audit_entry_staff_id", "staff_id"))

    # Counted by us, without gaps.
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    # None: a command on the server, or a job.
    staff_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))
    # The section that it concerns; None: all.
    section_code: Mapped[str | None]
    # Such as `staff.invite`; the noun first.
    act: Mapped[str]
    # What it was done to, such as `staff:7` or `appeal:ana-ruiz-vega`; never an address or a supporter's name.
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(Model):
    """The newest entry: one row, held by whoever adds, so that the chain never forks.

    Its seal needs the index key and stands nowhere else: who cuts off the end of the chain cannot write one that fits.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigId)
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))
