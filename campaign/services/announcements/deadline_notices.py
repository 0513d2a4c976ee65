"""Reminding staff of a deadline: some days before it, and once it has passed, to say what their section does then."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState, end_of_day
from campaign.domain.sections.section import taking_part
from campaign.domain.staff.roles import Role
from campaign.mail.messages.staff_texts import ends_soon, has_ended
from campaign.models import Appeal, Staff
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.sections.section import SectionView, list_sections
from campaign.services.appeals.review_notices import claim, headline, owe

BEFORE = timedelta(days=3)
# Later than this a reminder that was missed, because no worker ran, would only puzzle.
AFTER = timedelta(days=7)
_WRITERS = (Role.EDITOR.value, Role.COORDINATOR.value, Role.ADMIN.value)


def remind_staff(*, context: Context) -> int:
    """Owes the editors and coordinators of each section that takes part a mail three days before the deadline ends in
    their time zone, and one when it has ended, where the section has not said what comes after it; returns how many.

    Each once, however often and by however many workers this is called; another deadline is another matter.
    """
    owed, now = 0, context.now
    with transaction() as session:
        sections, staff = list_sections(), _staff(session)
        chosen = select(Appeal).where(
            Appeal.state.in_([AppealState.OPEN.value, AppealState.CLOSED.value]),
            Appeal.deadline >= (now - AFTER).date() - timedelta(days=2),
            Appeal.deadline <= (now + BEFORE).date() + timedelta(days=2),
        )
        for appeal in session.scalars(chosen.order_by(Appeal.id)):
            for section in taking_part(sections, tuple(appeal.sections)):
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
    if end <= now < end + AFTER:
        stage = "ended"
    elif appeal.state == AppealState.OPEN and end - BEFORE <= now < end:
        stage = "ends-soon"
    else:
        return 0
    if not claim(session, f"{stage}:{section.code}", appeal.id, end, now=now):
        return 0
    for one in people:
        name = headline(session, appeal, one.locale)
        said = ends_soon(one.locale, name, deadline) if stage == "ends-soon" else has_ended(one.locale, name)
        owe(session, one, said, appeal, context)
    return len(people)


def _staff(session: Session) -> dict[str, list[Staff]]:
    """Who can say it, by section."""
    found: dict[str, Any] = {}
    chosen = select(Staff).where(Staff.active, Staff.joined_at.is_not(None), Staff.role.in_(_WRITERS))
    for one in session.scalars(chosen.order_by(Staff.id)):
        found.setdefault(one.section_code, []).append(one)
    return found
