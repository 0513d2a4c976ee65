"""The audit log: each act with its actor, subject and time. Rows are only added; a trigger refuses anything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.staff.actor import ActorKind
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class AuditEntry(Model):
    """One act. Each entry's digest covers the one before, so that changing or removing an entry is detected."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        one_of("actor", ActorKind),
        Index("ix_audit_entry_subject", "subject"),
        Index("ix_audit_entry_staff_id", "staff_id"),
    )

    # Assigned by the program, without gaps.
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    # Which kind of actor; None in entries from before this was written.
    actor: Mapped[str | None]
    # The account of a member of staff; None for all other actors.
    staff_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("staff.id"))
    # The section that it concerns; None: all.
    section_code: Mapped[str | None]
    # The name of the act, the noun first, such as `staff.invite`.
    act: Mapped[str]
    # The object of the act, such as `staff:7` or `appeal:ana-ruiz-vega`; never an address or a supporter's name.
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(Model):
    """The newest entry: one row, which a transaction that adds an entry locks, so that the chain never forks.

    Its seal needs the index key and is stored nowhere else: an attacker who removes the end of the chain cannot forge
    one that fits.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigId)
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))
