"""Mails to staff about requested reviews, returned drafts, corrections, and entries that need confirmation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Role
from campaign.mail.messages.staff_texts import (
    StaffText,
    bulk_entry_waits,
    returned_for_changes,
    review_requested,
    text_corrected,
)
from campaign.models import AbuseAlert, Appeal, AppealText, BulkEntry, Staff
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.services.outbox.enqueue import enqueue_to_address

_PUBLISHERS = (Role.COORDINATOR.value, Role.ADMIN.value)


def notify_of_review_request(session: Session, appeal: Appeal, *, context: Context) -> None:
    """Enqueue a mail to each coordinator who may publish the appeal: those who are not its authors."""
    for staff in publishers(session, appeal, context):
        enqueue_notice(
            session, staff, review_requested(staff.locale, headline(session, appeal, staff.locale)), appeal, context
        )


def notify_of_return(session: Session, appeal: Appeal, staff_id: int | None, reasons: str, *, context: Context) -> None:
    """Enqueue a mail with the coordinator's reasons to the member of staff who requested the review."""
    staff = None if staff_id is None else session.get(Staff, staff_id)
    if staff is not None and staff.active:
        text = returned_for_changes(staff.locale, headline(session, appeal, staff.locale), reasons)
        enqueue_notice(session, staff, text, appeal, context)


def notify_of_correction(session: Session, appeal: Appeal, *, context: Context) -> None:
    """Enqueue a mail about a correction of an open appeal to those who may publish, once an hour per author and appeal.

    They are told because a correction of an open appeal is public at once, without a review.
    """
    if appeal.state != AppealState.OPEN or context.actor.staff_id is None:
        return
    hour = context.now.replace(minute=0, second=0, microsecond=0)
    if not claim_notice(session, f"corrected:{context.actor.staff_id}", appeal.id, hour, now=context.now):
        return
    for staff in publishers(session, appeal, context):
        enqueue_notice(
            session, staff, text_corrected(staff.locale, headline(session, appeal, staff.locale)), appeal, context
        )


def notify_of_bulk_entry(session: Session, entry: BulkEntry, appeal: Appeal, *, context: Context) -> None:
    """Enqueue a mail to those who may confirm the entry: its section's editors, all coordinators and administrators."""
    editors = and_(Staff.role == Role.EDITOR.value, Staff.section_code == entry.section_code)
    entitled = select(Staff).where(
        Staff.active, Staff.joined_at.is_not(None), or_(Staff.role.in_(_PUBLISHERS), editors)
    )
    for staff in session.scalars(entitled.where(Staff.id != entry.staff_id).order_by(Staff.id)):
        text = bulk_entry_waits(staff.locale, headline(session, appeal, staff.locale), entry.quantity)
        enqueue_notice(session, staff, text, appeal, context, page="bulk-entries")


def publishers(session: Session, appeal: Appeal, context: Context) -> list[Staff]:
    """Return the active coordinators and administrators who are neither the actor nor among the appeal's authors."""
    entitled = select(Staff).where(Staff.active, Staff.joined_at.is_not(None), Staff.role.in_(_PUBLISHERS))
    return [
        staff
        for staff in session.scalars(entitled.order_by(Staff.id))
        if staff.id not in {context.actor.staff_id, *appeal.written_by}
    ]


def claim_notice(session: Session, kind: str, appeal_id: int, at: datetime, *, now: datetime) -> bool:
    """Return True to the first caller for this kind, appeal and moment `at`, and False to all later ones."""
    values = {"kind": kind, "appeal_id": appeal_id, "window_at": at, "raised_at": now}
    return insert_or_ignore(session.connection(), AbuseAlert, values)


def headline(session: Session, appeal: Appeal, locale: str) -> str:
    """Return the appeal's headline in that language, else in its first, else in any; its slug if it has none."""
    texts = select(AppealText.language, AppealText.headline).where(
        AppealText.appeal_id == appeal.id, AppealText.is_current
    )
    rows = session.execute(texts.order_by(AppealText.language))
    headlines = {str(row.language): str(row.headline) for row in rows}
    return (
        headlines.get(locale)
        or headlines.get(appeal.first_language or "")
        or next(iter(headlines.values()), appeal.slug)
    )


def enqueue_notice(
    session: Session, staff: Staff, text: StaffText, appeal: Appeal, context: Context, *, page: str = "edit"
) -> None:
    """Enqueue a mail to a member of staff, with a link to that page of the appeal."""
    url = f"{context.settings.base_url}/staff/appeals/{appeal.slug}/{page}"
    enqueue_to_address(
        session.connection(),
        MailKind.STAFF_ALERT,
        parse_address(staff.email),
        {"subject": text.subject, "text": text.text, "url": url},
        locale=staff.locale,
        context=context,
    )
