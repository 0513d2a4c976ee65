"""Reminding those who have not confirmed: once, after two days, while it can still be done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select, text

from campaign.domain.appeal import AppealState, is_in_time
from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError
from campaign.domain.last_zone import last_zone
from campaign.domain.outbox import MailKind, MailState
from campaign.domain.token import LIFETIME, Purpose
from campaign.extensions.locks import KEYS_STAY
from campaign.models import Appeal, Mail, Section, Signature
from campaign.services.outbox import owe_signer
from campaign.services.transaction import transaction

REMINDER_AFTER = timedelta(hours=48)
_BATCH = 500


def remind_pending(*, now: datetime, vault: Vault, mail_domain: str) -> int:
    """Owes each signer who waits for two days and got the first mail one reminder; returns how many.

    Whether the mailbox has had its share already is decided when sending.
    """
    reminded, after_id = 0, 0
    while True:
        with transaction() as session:
            found = session.execute(_waiting(now, after_id)).all()
            for signature, deadline, time_zone, countries in found:
                after_id = signature.id
                zone = last_zone(signature.section_code, tuple(countries), time_zone, deadline)
                if not is_in_time(deadline, zone, now):
                    continue
                try:
                    kind = MailKind.CONFIRMATION_REMINDER
                    owe_signer(session, kind, signature, now=now, vault=vault, domain=mail_domain)
                except CipherError:
                    continue
                reminded += 1
        if len(found) < _BATCH:
            return reminded


def _waiting(now: datetime, after_id: int) -> Any:
    own = Mail.signature_id == Signature.id
    arrived = exists().where(
        own, Mail.kind == MailKind.CONFIRMATION, Mail.state == MailState.SENT, Mail.bounced_at.is_(None)
    )
    lately = exists().where(own, Mail.kind == MailKind.CONFIRMATION, Mail.created_at > now - REMINDER_AFTER)
    reminded = exists().where(own, Mail.kind == MailKind.CONFIRMATION_REMINDER)
    oldest = now - (LIFETIME[Purpose.CONFIRM] or REMINDER_AFTER)
    return (
        select(Signature, Appeal.deadline, Section.time_zone, Section.countries)
        .join(Appeal, Appeal.id == Signature.appeal_id)
        .join(Section, Section.code == Signature.section_code)
        .where(
            text("signature.state = 'pending'"),  # as the partial index says it
            Signature.signed_at > oldest,
            Signature.signed_at <= now - REMINDER_AFTER,
            Signature.id > after_id,
            Appeal.state == AppealState.OPEN,
            arrived,
            ~lately,
            ~reminded,
        )
        .order_by(Signature.id)
        .limit(_BATCH)
        .with_for_update(of=Signature, skip_locked=True, **KEYS_STAY)
    )
