"""Alerts to staff: at most one for each hour, kind and appeal. The first process that notices the cause raises it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Role
from campaign.mail.messages import alert_texts
from campaign.models import AbuseAlert, Staff
from campaign.models.abuse.abuse import ALL_APPEALS
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.tally import hour_of
from campaign.services.outbox.enqueue import enqueue_to_address

log = logging.getLogger(__name__)

# The roles that get the alerts of all sections.
_ROLES = (Role.COORDINATOR.value, Role.ADMIN.value)


def raise_alert(
    kind: str,
    appeal_id: int,
    words: Callable[[str], dict[str, str]],
    *,
    sections: Collection[str] = (),
    context: Context,
) -> bool:
    """Enqueue a mail with `words(locale)` to all coordinators and administrators, and to the editors of `sections`.

    Returns False, without a mail, if the alert was raised before in this hour. ALL_APPEALS is the id for all appeals
    together. The mails are committed.
    """
    with transaction() as session:
        connection = session.connection()
        values = {"kind": kind, "appeal_id": appeal_id, "window_at": hour_of(context.now), "raised_at": context.now}
        if not insert_or_ignore(connection, AbuseAlert, values):
            return False
        recipients = _recipients(session, sections)
        for email, locale in recipients:
            enqueue_to_address(
                connection,
                MailKind.STAFF_ALERT,
                parse_address(email),
                words(locale),
                locale=locale,
                context=context,
            )
    log.error("alert: %s, appeal %s, mailed to %s people", kind, appeal_id or "all", len(recipients))
    return True


def alert_flood(kind: str, appeal: AppealView | None, sections: Collection[str], *, context: Context) -> None:
    """Alert staff and the editors of `sections` to a flood, once an hour for each kind and appeal (None: all)."""
    base = f"{context.settings.base_url}/staff/moderation"

    def words(locale: str) -> dict[str, str]:
        if appeal is None:
            return alert_texts.flood(kind, locale, headline="", url=base)
        headline = appeal.text_in(locale).headline
        return alert_texts.flood(kind, locale, headline=headline, url=f"{base}?appeal={appeal.slug}")

    # Editors moderate only their own section, so the editors of every section that the flood may have reached get it.
    raise_alert(kind, ALL_APPEALS if appeal is None else appeal.id, words, sections=sections, context=context)


def alert_unopened(*, context: Context) -> None:
    """Alert staff, once an hour, that a sealed value cannot be decrypted: its key is missing, or it was altered."""
    raise_alert(
        "sealed",
        ALL_APPEALS,
        lambda locale: alert_texts.undecryptable_value(locale, context.settings.base_url),
        context=context,
    )


def note_alert(session: Session, kind: str, *, now: datetime) -> None:
    """Store an alert that staff see on their pages, without a mail, at most once an hour. The caller commits it."""
    values = {"kind": kind, "appeal_id": ALL_APPEALS, "window_at": hour_of(now), "raised_at": now}
    insert_or_ignore(session.connection(), AbuseAlert, values)


def _recipients(session: Session, sections: Collection[str]) -> list[Any]:
    """Return the address and language of each member of staff to alert."""
    editors = and_(Staff.role == Role.EDITOR.value, Staff.section_code.in_(sections))
    query = select(Staff.email, Staff.locale).where(
        Staff.active, Staff.joined_at.is_not(None), or_(Staff.role.in_(_ROLES), editors)
    )
    return list(session.execute(query.order_by(Staff.id)))
