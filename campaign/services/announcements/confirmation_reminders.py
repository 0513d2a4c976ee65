"""Confirmation reminders: one for each unconfirmed sign-up, after two days, if it can still be confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from campaign.domain.appeals.appeal import AppealState, is_in_time
from campaign.domain.appeals.last_time_zone import last_zone
from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.token import LIFETIME, Purpose
from campaign.models import Appeal, Section, SignUp
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import enqueue_to_sign_up

REMINDER_AFTER = timedelta(hours=48)
_BATCH = 500


def enqueue_confirmation_reminders(*, context: Context) -> int:
    """Enqueue one reminder for each sign-up that is unconfirmed two days after its mail; return the number enqueued.

    The limit of mails for each mailbox is checked when the mail is sent.
    """
    enqueued, after_id, now = 0, 0, context.now
    while True:
        with transaction() as session:
            rows = session.execute(_unconfirmed(now, after_id)).all()
            for sign_up, deadline, time_zone, countries in rows:
                after_id = sign_up.id
                zone = last_zone(sign_up.section_code, tuple(countries), time_zone, deadline)
                if not is_in_time(deadline, zone, now):
                    continue
                try:
                    kind = MailKind.CONFIRMATION_REMINDER
                    enqueue_to_sign_up(session, kind, sign_up, context=context)
                except CipherError:
                    continue
                sign_up.reminded_at = now
                enqueued += 1
        if len(rows) < _BATCH:
            return enqueued


def _unconfirmed(now: datetime, after_id: int) -> Any:
    """Return the query for the next sign-ups to remind, locked; those locked by other workers are skipped.

    Sign-ups whose link has expired are left out.
    """
    oldest = now - (LIFETIME[Purpose.CONFIRM] or REMINDER_AFTER)
    return (
        select(SignUp, Appeal.deadline, Section.time_zone, Section.countries)
        .join(Appeal, Appeal.id == SignUp.appeal_id)
        .join(Section, Section.code == SignUp.section_code)
        .where(
            SignUp.signature_id.is_(None),
            SignUp.signed_at > oldest,
            SignUp.signed_at <= now - REMINDER_AFTER,
            SignUp.mailed_at <= now - REMINDER_AFTER,
            SignUp.reminded_at.is_(None),
            SignUp.id > after_id,
            Appeal.state == AppealState.OPEN,
        )
        .order_by(SignUp.id)
        .limit(_BATCH)
        .with_for_update(of=SignUp, skip_locked=True, **NO_KEY_UPDATE)
    )
