"""Confirming a signature: from here on it counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from campaign.domain.appeal import AppealState, is_confirmable
from campaign.domain.cipher import Vault
from campaign.domain.errors import OverError, StateError
from campaign.domain.outbox import MailKind
from campaign.domain.signature import SignatureState
from campaign.models import Action, Appeal, Section, Signature
from campaign.services.outbox import owe_signer
from campaign.services.signature import cell_of, locked, was_counted
from campaign.services.tally import count
from campaign.services.transaction import transaction


def confirm(signature_id: int, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Confirms and counts the signature, and owes its address the thanks; repeating it changes nothing and succeeds.

    Raises NotFoundError (erased), OverError (confirmed too late, or the appeal was stopped), StateError (withdrawn or
    invalidated).
    """
    with transaction() as session:
        signature = locked(session, signature_id)
        if signature.state == SignatureState.CONFIRMED:
            return
        if signature.state != SignatureState.PENDING:
            raise StateError(f"the signature is {signature.state}")
        _refuse_late(session, signature, now)
        signature.state = SignatureState.CONFIRMED
        signature.confirmed_at = now
        owe_signer(session, MailKind.CONFIRMED, signature, now=now, vault=vault, domain=mail_domain)
        if was_counted(session, signature):
            return
        session.connection().execute(
            insert(Action),
            {
                **cell_of(signature).as_columns(),
                "quantity": 1,
                "signature_id": signature.id,
                "target": 0,
                "happened_on": now.date(),
                "counted_at": now,
            },
        )
        count(session.connection(), cell_of(signature), now, 1)


def _refuse_late(session: Session, signature: Signature, now: datetime) -> None:
    deadline, state, ended_at, time_zone = session.execute(
        select(Appeal.deadline, Appeal.state, Appeal.ended_at, Section.time_zone)
        .select_from(Signature)
        .join(Appeal, Appeal.id == Signature.appeal_id)
        .join(Section, Section.code == Signature.section_code)
        .where(Signature.id == signature.id)
    ).one()
    if state == AppealState.STOPPED:
        raise OverError("the appeal was stopped")
    if not is_confirmable(deadline, time_zone, ended_at, signed_at=signature.signed_at, now=now):
        raise OverError("it is too late to confirm")
