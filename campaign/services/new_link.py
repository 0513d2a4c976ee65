"""Sending a signer another link, because the first one expired or was lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.address import Address, parse_address
from campaign.domain.appeal import AppealState
from campaign.domain.cipher import Vault
from campaign.domain.outbox import MailKind
from campaign.domain.signature import SignatureState
from campaign.models import Appeal, Signature
from campaign.services.outbox import Owed, enqueue
from campaign.services.signature import last_consent
from campaign.services.transaction import transaction


def send_new_links(address: Address, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Owes the address one mail for each signature it has on an open appeal; the caller learns nothing."""
    with transaction() as session:
        rows = session.scalars(
            select(Signature)
            .join(Appeal, Appeal.id == Signature.appeal_id)
            .where(
                Signature.address_digest == vault.address_digest(address),
                Signature.state.in_([SignatureState.PENDING, SignatureState.CONFIRMED]),
                Appeal.state == AppealState.OPEN,
            )
        ).all()
        for signature in rows:
            _send_link(session, signature, address, now=now, vault=vault, mail_domain=mail_domain)


def send_new_link(signature_id: int, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Owes the signature's own address a new link; does nothing where it has been erased."""
    with transaction() as session:
        signature = session.get(Signature, signature_id)
        if signature is None or signature.email_sealed is None:
            return
        address = parse_address(vault.open_email(signature.email_sealed))
        _send_link(session, signature, address, now=now, vault=vault, mail_domain=mail_domain)


def _send_link(
    session: Session, signature: Signature, address: Address, *, now: datetime, vault: Vault, mail_domain: str
) -> None:
    kinds = {
        SignatureState.PENDING.value: MailKind.CONFIRMATION,
        SignatureState.CONFIRMED.value: MailKind.ALREADY_SIGNED,
    }
    kind = kinds.get(signature.state)
    if kind is None:
        return
    consent = last_consent(session, signature)
    enqueue(
        session.connection(),
        Owed(
            kind=kind,
            signature_id=signature.id,
            mailbox_digest=vault.mailbox_digest(address),
            domain_digest=vault.domain_digest(address),
            locale=signature.locale,
            text_language=consent.text_language,
            text_version=consent.text_version,
        ),
        now=now,
        domain=mail_domain,
    )
