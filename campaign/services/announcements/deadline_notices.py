"""Notices to staff before and after a deadline, unless their section has decided whether it continues."""

from __future__ import annotations

from datetime import date, timedelta

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
# If no worker ran, the notice after the deadline is still sent within this time. Later it would only confuse.
NOTICE_AFTER = timedelta(days=7)
_DECIDING_ROLES = (Role.EDITOR.value, Role.COORDINATOR.value, Role.ADMIN.value)


def enqueue_deadline_notices(*, context: Context) -> int:
    """Enqueue the notices about deadlines that are due now; return the number of mails enqueued.

    Editors, coordinators and administrators of each participating section get one notice three days before the deadline
    ends in the section's time zone, and one after it has ended, unless the section has set its continuation. Each
    notice is sent once, even if several workers call this. A changed deadline gets its own notices.
    """
    enqueued, now = 0, context.now
    with transaction() as session:
        sections, staff_by_section = list_sections(), _staff_by_section(session)
        # Two days more on both sides cover all time zones; `_notify_section` compares the exact times.
        appeals = select(Appeal).where(
            Appeal.state.in_([AppealState.OPEN.value, AppealState.CLOSED.value]),
            Appeal.deadline >= (now - NOTICE_AFTER).date() - timedelta(days=2),
            Appeal.deadline <= (now + NOTICE_BEFORE).date() + timedelta(days=2),
        )
        for appeal in session.scalars(appeals.order_by(Appeal.id)):
            for section in participating_sections(sections, tuple(appeal.sections)):
                staff = staff_by_section.get(section.code, [])
                if section.code in appeal.continuation or not staff or appeal.deadline is None:
                    continue
                enqueued += _notify_section(session, appeal, appeal.deadline, section, staff, context)
    return enqueued


def _notify_section(
    session: Session,
    appeal: Appeal,
    deadline: date,
    section: SectionView,
    recipients: list[Staff],
    context: Context,
) -> int:
    """Enqueue the section's notice if one is due and was not sent; return the number of mails enqueued."""
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
    for staff in recipients:
        name = headline(session, appeal, staff.locale)
        text = (
            deadline_near(staff.locale, name, deadline) if stage == "ends-soon" else deadline_passed(staff.locale, name)
        )
        enqueue_notice(session, staff, text, appeal, context)
    return len(recipients)


def _staff_by_section(session: Session) -> dict[str, list[Staff]]:
    """Return the members of staff who may set the continuation, by section."""
    by_section: dict[str, list[Staff]] = {}
    entitled = select(Staff).where(Staff.active, Staff.joined_at.is_not(None), Staff.role.in_(_DECIDING_ROLES))
    for staff in session.scalars(entitled.order_by(Staff.id)):
        by_section.setdefault(staff.section_code, []).append(staff)
    return by_section
