"""Sending a signer another link, because the first one expired or was lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from campaign.domain.address import Address
from campaign.domain.appeal import AppealState
from campaign.domain.cipher import Vault
from campaign.domain.outbox import MailKind
from campaign.domain.signature import SignatureState
from campaign.models import Appeal, Signature
from campaign.services.outbox import owe_signer
from campaign.services.transaction import transaction


def send_new_links(address: Address, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Owes the address a link to confirm each signature that waits for it, else one to everything we hold under it.

    That one page shows all its signatures, those on appeals long over too. The caller learns nothing.
    """
    with transaction() as session:
        found = session.execute(
            select(Signature, Appeal.state)
            .join(Appeal, Appeal.id == Signature.appeal_id)
            .where(Signature.address_digest == vault.address_digest(address))
            .order_by(Signature.id.desc())
        ).all()
        for signature, state in found:
            if signature.state == SignatureState.PENDING and state == AppealState.OPEN:
                owe_signer(session, MailKind.CONFIRMATION, signature, now=now, vault=vault, domain=mail_domain)
        rest = [one for one, state in found if one.state != SignatureState.PENDING or state != AppealState.OPEN]
        if rest:
            owe_signer(session, MailKind.NEW_LINK, rest[0], now=now, vault=vault, domain=mail_domain)
