"""The fan-out of announcements: mails are enqueued for one batch of signers after another.

An interrupted fan-out continues after the last complete batch.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import and_, select

from campaign.domain.announcements.announcement import (
    BATCH_SIZE,
    REMINDER_MIN_AGE,
    AnnouncementKind,
    AnnouncementState,
    choose_language,
)
from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Announcement, Mail, Signature
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_all_or_ignore
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.announcements.announcement import recipient_conditions, without_duplicates
from campaign.services.outbox.enqueue import NewMail, mail_columns

log = logging.getLogger(__name__)


def fan_out_all(*, context: Context) -> int:
    """Enqueue every announcement that is being sent to all its recipients; return the number of mails enqueued."""
    with transaction() as session:
        sending = select(Announcement.id).where(
            Announcement.state == AnnouncementState.SENDING, Announcement.started_at <= context.now
        )
        ids = session.scalars(sending.order_by(Announcement.id)).all()
    enqueued = 0
    for announcement_id in ids:
        while (count := fan_out(announcement_id, context=context)) is not None:
            enqueued += count
    return enqueued


def fan_out(announcement_id: int, *, context: Context) -> int | None:
    """Enqueue the announcement to its next batch of signers, in one transaction; return the number of mails enqueued.

    If no signers remain, mark the announcement as sent and return None. Return None also if it is not being sent, or
    not yet.
    """
    now, vault = context.now, context.vault
    with transaction() as session:
        row = session.get(Announcement, announcement_id, with_for_update=NO_KEY_UPDATE)
        if row is None or row.state != AnnouncementState.SENDING:
            return None
        if row.started_at is None or row.started_at > now:
            return None
        signatures = session.scalars(_next_signatures(row).limit(BATCH_SIZE)).all()
        if not signatures:
            row.state = AnnouncementState.SENT
            row.ended_at = now
            return None
        batch = [(signature, to) for signature in signatures if (to := _address_of(signature, vault)) is not None]
        mails = [
            mail_columns(_mail_for(row, signature, to, vault), now=now, domain=context.mail_domain)
            for signature, to in without_duplicates(batch, row, vault)
        ]
        if mails:
            # An announcement has one mail for each signature, even if two workers process the same batch.
            insert_all_or_ignore(session.connection(), Mail, mails)
        row.after_id = signatures[-1].id
        return len(mails)


def _next_signatures(row: Announcement) -> Any:
    """Return the query for the signatures that the fan-out has not processed yet, in the order of their ids."""
    conditions: list[Any] = [
        *recipient_conditions(
            row.appeal_id, row.section_code, row.locales, to_case=row.to_case, is_rewording=row.is_rewording
        ),
        Signature.id > row.after_id,
    ]
    if row.kind == AnnouncementKind.DEADLINE_REMINDER and row.started_at is not None:
        conditions.append(Signature.confirmed_at <= row.started_at - REMINDER_MIN_AGE)
    return select(Signature).where(and_(*conditions)).order_by(Signature.id)


def _address_of(signature: Signature, vault: Vault) -> Address | None:
    """Return the signer's address; None if it was erased or cannot be decrypted."""
    if signature.email_sealed is None:
        return None
    try:
        return parse_address(vault.open_email(signature.email_sealed, place_of(signature)))
    except CipherError as error:
        # Skip the signature, so that the other signers get their mail.
        log.warning("signature %s gets no announcement: %s", signature.id, error)
        return None


def _mail_for(row: Announcement, signature: Signature, to: Address, vault: Vault) -> NewMail:
    """Return the mail to enqueue for that signature."""
    languages = [text.language for text in row.texts]
    return NewMail(
        kind=MailKind(row.kind),
        signature_id=signature.id,
        domain_digest=vault.domain_digest(to),
        locale=signature.locale,
        text_language=choose_language(signature.locale, languages, row.appeal.first_language or ""),
        text_version=None,
        announcement_id=row.id,
    )
