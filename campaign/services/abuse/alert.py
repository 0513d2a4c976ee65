"""Telling staff that something needs them: once an hour for each kind and appeal, whichever process sees it first."""

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
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.tally import hour_of
from campaign.services.outbox.enqueue import owe_staff

log = logging.getLogger(__name__)

# Who can do something about it, whatever their section.
_ROLES = (Role.COORDINATOR.value, Role.ADMIN.value)


def raise_alert(
    kind: str,
    appeal_id: int,
    words: Callable[[str], dict[str, str]],
    *,
    sections: Collection[str] = (),
    context: Context,
) -> bool:
    """Owes every coordinator and admin, and the editors of `sections`, a mail with `words(locale)`.

    False where it was raised within this hour. `appeal_id` 0 is all appeals together. The mails are in the outbox when
    this returns.
    """
    with transaction() as session:
        connection = session.connection()
        values = {"kind": kind, "appeal_id": appeal_id, "window_at": hour_of(context.now), "raised_at": context.now}
        if not insert_or_ignore(connection, AbuseAlert, values):
            return False
        told = _people(session, sections)
        for email, locale in told:
            owe_staff(
                connection,
                MailKind.STAFF_ALERT,
                parse_address(email),
                words(locale),
                locale=locale,
                context=context,
            )
    log.error("alarm: %s, appeal %s; %s people told", kind, appeal_id or "all", len(told))
    return True


def alert_flood(kind: str, appeal: AppealView | None, sections: Collection[str], *, context: Context) -> None:
    """Tell staff of an attack, once an hour for each kind and appeal (None: all); the editors of `sections` too."""
    base = f"{context.settings.base_url}/staff/moderation"

    def words(locale: str) -> dict[str, str]:
        if appeal is None:
            return alert_texts.flood(kind, locale, headline="", url=base)
        headline = appeal.text_in(locale).headline
        return alert_texts.flood(kind, locale, headline=headline, url=f"{base}?appeal={appeal.slug}")

    # Each editor moderates the own section, so each section that the flood may be in has to look.
    raise_alert(kind, 0 if appeal is None else appeal.id, words, sections=sections, context=context)


def alert_unopened(*, context: Context) -> None:
    """Tell staff, once an hour, that something sealed does not open: a key is missing, or it was changed."""
    raise_alert("sealed", 0, lambda locale: alert_texts.unopened(locale, context.settings.base_url), context=context)


def note_alert(session: Session, kind: str, *, now: datetime) -> None:
    """Write down, once an hour, what staff see among the alerts and need no mail about; in the caller's transaction."""
    values = {"kind": kind, "appeal_id": 0, "window_at": hour_of(now), "raised_at": now}
    insert_or_ignore(session.connection(), AbuseAlert, values)


def _people(session: Session, sections: Collection[str]) -> list[Any]:
    """Address and language of whom to tell."""
    editors = and_(Staff.role == Role.EDITOR.value, Staff.section_code.in_(sections))
    chosen = select(Staff.email, Staff.locale).where(
        Staff.active, Staff.joined_at.is_not(None), or_(Staff.role.in_(_ROLES), editors)
    )
    return list(session.execute(chosen.order_by(Staff.id)))
