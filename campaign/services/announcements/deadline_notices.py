"""Notices to staff about a deadline, before and after it, until their section has decided how it continues."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState, end_of_day
from campaign.domain.sections.section import participating_sections
from campaign.domain.staff.roles import Role
from campaign.mail.messages.staff_texts import deadline_near, deadline_passed
from campaign.models import Appeal, Staff
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.sections.section import SectionView, list_sections
from campaign.services.appeals.review_notices import claim_notice, enqueue_notice, headline

NOTICE_BEFORE = timedelta(days=3)
# A notice that is later than this, because no worker ran, is not sent: it would only confuse.
NOTICE_AFTER = timedelta(days=7)
_WRITERS = (Role.EDITOR.value, Role.COORDINATOR.value, Role.ADMIN.value)


def remind_staff(*, context: Context) -> int:
    """Enqueue the notices about deadlines that are due now; return how many mails were enqueued.

    Editors, coordinators and administrators of each section that takes part get one notice three days before the
    deadline ends in the section's time zone, and one after it has ended, unless the section has set its continuation.
    Each notice is sent once, even if several workers call this; a changed deadline has notices of its own.
    """
    owed, now = 0, context.now
    with transaction() as session:
        sections, staff = list_sections(), _staff(session)
        chosen = select(Appeal).where(
            Appeal.state.in_([AppealState.OPEN.value, AppealState.CLOSED.value]),
            Appeal.deadline >= (now - NOTICE_AFTER).date() - timedelta(days=2),
            Appeal.deadline <= (now + NOTICE_BEFORE).date() + timedelta(days=2),
        )
        for appeal in session.scalars(chosen.order_by(Appeal.id)):
            for section in participating_sections(sections, tuple(appeal.sections)):
                if section.code in appeal.continuation or section.code not in staff or appeal.deadline is None:
                    continue
                owed += _remind(session, appeal, appeal.deadline, section, staff[section.code], context)
    return owed


def _remind(
    session: Session,
    appeal: Appeal,
    deadline: date,
    section: SectionView,
    people: list[Staff],
    context: Context,
) -> int:
    now = context.now
    end = end_of_day(deadline, section.last_zone(deadline))
    if end <= now < end + NOTICE_AFTER:
        stage = "ended"
    elif appeal.state == AppealState.OPEN and end - NOTICE_BEFORE <= now < end:
        stage = "ends-soon"
    else:
        return 0
    if not claim_notice(session, f"{stage}:{section.code}", appeal.id, end, now=now):
        return 0
    for staff in people:
        name = headline(session, appeal, staff.locale)
        text = (
            deadline_near(staff.locale, name, deadline) if stage == "ends-soon" else deadline_passed(staff.locale, name)
        )
        enqueue_notice(session, staff, text, appeal, context)
    return len(people)


def _staff(session: Session) -> dict[str, list[Staff]]:
    """Return the members of staff who can set the continuation, by section."""
    by_section: dict[str, Any] = {}
    chosen = select(Staff).where(Staff.active, Staff.joined_at.is_not(None), Staff.role.in_(_WRITERS))
    for staff in session.scalars(chosen.order_by(Staff.id)):
        by_section.setdefault(staff.section_code, []).append(staff)
    return by_section
