"""Announcements, their signers and their writer, made by the services."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update

from campaign.document import parse_text
from campaign.domain.announcements.announcement import RECALL_PERIOD, AnnouncementKind
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Mail, Staff
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.announcements.announcement import find_announcement
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.announcements.announce import AnnouncementWording, Audience, create_draft, send
from campaign.services.announcements.fan_out import fan_out_all
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DOCUMENT, START, confirm_newest, context

TEXTS = {
    "en": AnnouncementWording(
        "She is free", "Ana Ruiz Vega **walked out** today.\n\nThank you. [More](https://news.example/1)"
    ),
    "fr": AnnouncementWording("Elle est libre", "Ana Ruiz Vega est sortie aujourd’hui."),
}


def sign_up_signer(appeal: AppealView, name: str, section: str = "fr", locale: str = "fr") -> int:
    """Sign the appeal without confirming; return the id of the sign-up."""
    to = parse_address(f"{name}@mail.example")
    sign_up = SignUpRequest(appeal.id, section, "FR", name, to, locale, "en", 1, None)
    sign(sign_up, context=context(actor=SUPPORTER))
    sign_up_id = db.session.scalars(select(func.max(SignedUp.id))).one()
    db.session.rollback()
    return int(sign_up_id)


def confirmed_signer(
    appeal: AppealView, name: str, section: str = "fr", locale: str = "fr", *, updates: bool = True
) -> int:
    sign_up_signer(appeal, name, section, locale)
    return confirm_newest(START, updates=updates)


def member_of_staff() -> int:
    """Return the id of a member of staff whom the audit log can name; make one if there is none."""
    with transaction() as session:
        staff_id = session.scalars(select(Staff.id)).first()
        if staff_id is not None:
            return staff_id
        values = {"role": "editor", "section_code": "fr", "locale": "en", "created_at": START, "invited_at": START}
        staff = Staff(email="c@staff.example", fs_uniquifier="c", active=True, wants_digest=False, **values)
        session.add(staff)
        session.flush()
        return staff.id


def staff_context(now: datetime = START, role: Role = Role.COORDINATOR, section: str = "fr") -> Context:
    return context(now, staff_actor(Scope(member_of_staff(), role, section)))


def edition_of(announcement_id: int) -> str:
    announcement = find_announcement(announcement_id)
    assert announcement is not None
    db.session.rollback()
    return announcement.edition


def send_announcement(
    appeal: AppealView, to: Audience | None = None, kind: AnnouncementKind = AnnouncementKind.OUTCOME
) -> int:
    """Return the id of a sent announcement that can no longer be recalled."""
    announcement_id = create_draft(appeal.id, kind, to or Audience(), TEXTS, context=staff_context())
    send(announcement_id, context=staff_context(START - RECALL_PERIOD), expected=edition_of(announcement_id))
    return announcement_id


def fan_out_now() -> int:
    return fan_out_all(context=context())


def mark_other_mail_sent() -> None:
    """Mark the mails of signing and confirming as sent, so that only announcements are left."""
    db.session.execute(update(Mail).where(Mail.announcement_id.is_(None)).values(state="sent"))
    db.session.commit()


def publish_follow_up(appeal: AppealView) -> AppealView:
    """Publish a second appeal of the same case; return it."""
    document = DOCUMENT.replace("First UA: 7/26", "Second UA: 7/26").replace("9001", "9002")
    draft = import_draft(
        parse_text(document), ImportOptions(slug="second", deadline=appeal.deadline), context=context()
    )
    assert draft.follows == appeal.slug
    publish(draft.slug, context=context())
    appeal_of_case = find_appeal(draft.slug)
    assert appeal_of_case is not None
    return appeal_of_case
