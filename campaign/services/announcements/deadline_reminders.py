"""Deadline reminders: announcements that a periodic job starts some days before an appeal's deadline.

`fan_out` enqueues their mails, like those of every announcement.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from campaign.domain.announcements.announcement import AnnouncementKind, AnnouncementState, is_reminder_due
from campaign.domain.appeals.appeal import AppealState
from campaign.models import Announcement, Appeal, Section
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction


def start_deadline_reminders(*, context: Context) -> int:
    """Start the deadline reminder of each open appeal in each section where it is due; return the number started."""
    started, now = 0, context.now
    with transaction() as session:
        reminders = select(Announcement.appeal_id, Announcement.section_code).where(
            Announcement.kind == AnnouncementKind.DEADLINE_REMINDER
        )
        existing = {(appeal_id, code) for appeal_id, code in session.execute(reminders)}
        sections = session.execute(select(Section.code, Section.time_zone).order_by(Section.code)).all()
        for appeal_id, deadline in session.execute(
            select(Appeal.id, Appeal.deadline).where(Appeal.state == AppealState.OPEN)
        ).all():
            for code, time_zone in sections:
                if (appeal_id, code) in existing or not is_reminder_due(deadline, now.astimezone(ZoneInfo(time_zone))):
                    continue
                values = {"appeal_id": appeal_id, "section_code": code, "kind": AnnouncementKind.DEADLINE_REMINDER}
                sending = {"state": AnnouncementState.SENDING, "locales": [], "after_id": 0}
                session.execute(insert(Announcement), {**values, **sending, "created_at": now, "started_at": now})
                started += 1
    return started
