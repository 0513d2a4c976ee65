"""The audit log: each act with its actor, subject and time. A trigger refuses to change or delete its entries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.staff.actor import ActorKind
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class AuditEntry(Model):
    """One act. Its digest covers the entry before it, so that `verify` detects a changed or removed entry."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        one_of("actor", ActorKind),
        Index("ix_audit_entry_subject", "subject"),
        Index("ix_audit_entry_staff_id", "staff_id"),
    )

    # Assigned by the program, without gaps.
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    # The kind of actor; None in entries that were written before the kind was stored.
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
    """The number and seal of the newest entry, in one row.

    A transaction that adds an entry locks the row, so that the chain never forks. The seal is computed with the index
    key and stored only here: an attacker who removes the end of the chain cannot compute the seal of the rest.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigId)
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))
