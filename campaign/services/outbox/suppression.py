"""Suppressed addresses, which get no mail because it was refused for good, or because their owner complained."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address
from campaign.models import Suppression
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.transaction import transaction


def suppress(session: Session, address: Address, reason: SuppressionReason, *, now: datetime, vault: Vault) -> None:
    """Suppress mail to the address from now on, in the caller's transaction. An earlier reason stays."""
    values = {"address_digest": vault.suppression_digest(address), "reason": reason.value, "created_at": now}
    insert_or_ignore(session.connection(), Suppression, values)


def suppression_reason(session: Session, address: Address, vault: Vault) -> str | None:
    """Return the reason why the address gets no mail; None where it is not suppressed."""
    reason = select(Suppression.reason).where(Suppression.address_digest == vault.suppression_digest(address))
    return session.execute(reason).scalar_one_or_none()


def suppression_reasons(session: Session, digests: Collection[bytes]) -> dict[bytes, str]:
    """Return the reasons by digest (`Vault.suppression_digest`), for those of the addresses that are suppressed."""
    if not digests:
        return {}
    query = select(Suppression.address_digest, Suppression.reason).where(Suppression.address_digest.in_(digests))
    return {bytes(digest): reason for digest, reason in session.execute(query)}


def lift_suppression(address: Address, *, context: Context) -> bool:
    """Allow mail to the address again, for instance after its server's fault; return False if it was not suppressed."""
    with transaction() as session:
        lifted = delete(Suppression).where(Suppression.address_digest == context.vault.suppression_digest(address))
        return session.execute(lifted.returning(Suppression.address_digest)).first() is not None
