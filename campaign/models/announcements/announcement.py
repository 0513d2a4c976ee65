"""Announcements: news of a case for the signers who asked for news, and the reminder before the deadline."""

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
    """A message to the signers of an appeal or its case, in one section or all. It is fixed once sending begins."""

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
    # The section whose signers receive it; None: all sections.
    section_code: Mapped[str | None] = mapped_column(ForeignKey("section.code"))
    # The languages whose signers receive it; empty: all.
    locales: Mapped[list[str]] = mapped_column(default=list)
    # Whether it is also sent to the signers of the other appeals of the case: those it follows, and those following it.
    to_case: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether it is sent only to signers of an earlier version of the letter. The mail says that the letter has changed,
    # and how to withdraw the signature.
    is_rewording: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # The id of the last signature whose mail was enqueued. After an interruption the fan-out continues after it.
    after_id: Mapped[int] = mapped_column(BigId, default=0)

    appeal: Mapped[Appeal] = relationship(viewonly=True)
    texts: Mapped[list[AnnouncementText]] = relationship(
        order_by="AnnouncementText.language", cascade="all, delete-orphan"
    )


class AnnouncementText(Model):
    """An announcement's text in one language. The body is Markdown; only an allow-list of tags is rendered."""

    __tablename__ = "announcement_text"

    announcement_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    body: Mapped[str]
