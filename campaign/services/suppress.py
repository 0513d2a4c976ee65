"""Writing to nobody who cannot be reached: addresses that their own server has refused for good."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.address import Address
from campaign.domain.cipher import Vault
from campaign.domain.outbox import SuppressionReason
from campaign.models import Suppression
from campaign.services.transaction import transaction

_INSERT = {
    "sqlite": sqlite.insert(Suppression).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(Suppression).on_conflict_do_nothing(),
}


def suppress(session: Session, address_digest: bytes, reason: SuppressionReason, *, now: datetime) -> None:
    """From now on the address gets no mail, in the caller's transaction; the first reason stays.

    `address_digest` is Vault.address_digest, as in the signature's row.
    """
    connection = session.connection()
    values = {"address_digest": address_digest, "reason": reason.value, "created_at": now}
    connection.execute(_INSERT[connection.dialect.name], values)


def suppression_reason(session: Session, address_digest: bytes) -> str | None:
    """Why the address gets no mail; None where it does."""
    found = select(Suppression.reason).where(Suppression.address_digest == address_digest)
    return session.execute(found).scalar_one_or_none()


def lift_suppression(address: Address, *, vault: Vault) -> bool:
    """Writes to the address again, for instance after its server's fault; False where it was not suppressed."""
    with transaction() as session:
        gone = delete(Suppression).where(Suppression.address_digest == vault.address_digest(address))
        return session.execute(gone.returning(Suppression.address_digest)).first() is not None
