"""The weekly digest: a mail with the week's figures for each member of staff who has subscribed to it."""

from __future__ import annotations

import json
from datetime import datetime

from flask_babel import force_locale
from sqlalchemy import select

from campaign.domain.appeals.appeal import days_left
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.mail.messages.digest_texts import AppealWeek, week_lines
from campaign.models import Section, Staff
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.counting.staff_counts import AppealSummary, appeal_summaries
from campaign.services.outbox.enqueue import enqueue_to_address


def enqueue_digests(*, context: Context) -> int:
    """Enqueue a digest of the open appeals for each subscribed member of staff; return the number of mails enqueued.

    The figures are in the recipient's language. If no appeal is open, no mail is enqueued.
    """
    now, base_url = context.now, context.settings.base_url
    with transaction() as session:
        staff_zones = select(Staff, Section.time_zone).join(Section, Section.code == Staff.section_code)
        subscribers = staff_zones.where(Staff.active, Staff.joined_at.is_not(None), Staff.wants_digest).order_by(
            Staff.id
        )
        by_section: dict[str, tuple[AppealSummary, ...]] = {}
        enqueued = 0
        for staff, time_zone in session.execute(subscribers).all():
            if staff.section_code not in by_section:
                by_section[staff.section_code] = appeal_summaries(staff.scope, time_zone=time_zone, now=now)
            summaries = by_section[staff.section_code]
            if not summaries:
                continue
            token = context.keys.tokens.make(Purpose.DIGEST, staff.id, now, staff.link_key)
            values = {
                "appeals": json.dumps([_digest_values(summary, staff.locale, base_url, now) for summary in summaries]),
                "url": f"{base_url}/staff/",
                "unsubscribe": f"{base_url}/staff/digest/{token}",
            }
            enqueue_to_address(
                session.connection(),
                MailKind.STAFF_DIGEST,
                parse_address(staff.email),
                values,
                locale=staff.locale,
                context=context,
            )
            enqueued += 1
    return enqueued


def _digest_values(summary: AppealSummary, locale: str, base_url: str, now: datetime) -> dict[str, object]:
    """Return the headline, its language, the page and the figures of one appeal, as the digest shows them.

    The figures are in the language `locale`. The headline is in another language if the appeal has no text in `locale`.
    """
    text, appeal = summary.appeal.text_in(locale), summary.appeal
    days = days_left(appeal.deadline, now.date(), is_open=appeal.is_open)
    with force_locale(locale):
        week = AppealWeek(
            summary.signatures, summary.own_signatures, summary.recent, summary.own_recent, appeal.goal, days
        )
        lines = week_lines(week, locale)
    url = f"{base_url}/staff/appeals/{appeal.slug}"
    return {"headline": " ".join(text.headline.split()), "language": text.language, "url": url, "lines": lines}
