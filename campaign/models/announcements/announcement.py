"""Announcements: what staff tell those who asked to hear how a case goes on, and the reminder before the deadline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaign.domain.announcements.announcement import AnnouncementKind, AnnouncementState
from campaign.models.appeals.appeal import Appeal
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of

_REMINDER = "kind = 'deadline_reminder'"


class Announcement(Model):
    """One message to the signers of an appeal or its case, of one section or all; never changed once it goes out."""

    __tablename__ = "announcement"
    __table_args__ = (
        one_of("kind", AnnouncementKind),
        one_of("state", AnnouncementState),
        Index("ix_announcement_appeal_id", "appeal_id"),
        Index(
            "uq_announcement_reminder",
            "appeal_id",
            "section_code",
            unique=True,
            sqlite_where=text(_REMINDER),
            postgresql_where=text(_REMINDER),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=AnnouncementState.DRAFT)
    # To the signers of that section; none: of every section.
    section_code: Mapped[str | None] = mapped_column(ForeignKey("section.code"))
    # To those who signed in these languages; empty: in any.
    locales: Mapped[list[str]] = mapped_column(default=list)
    # Also to those who signed other appeals of the same case: what it follows, and what follows it.
    to_case: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Only to those who signed earlier words of the letter: it tells them, and how to take their signature back.
    is_rewording: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # Signatures up to this one have their mail: where to go on after a break.
    after_id: Mapped[int] = mapped_column(BigId, default=0)

    appeal: Mapped[Appeal] = relationship(viewonly=True)
    texts: Mapped[list[AnnouncementText]] = relationship(
        order_by="AnnouncementText.language", cascade="all, delete-orphan"
    )


class AnnouncementText(Model):
    """What is announced, in one language; the body is Markdown, shown through the allow-list only."""

    __tablename__ = "announcement_text"

    announcement_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    body: Mapped[str]
