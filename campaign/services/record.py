"""Recording what a supporter tells us to have done: counted as `reported`, never mixed with what we saw."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite

from campaign.domain.action import REPORTABLE, Channel, Evidence
from campaign.domain.errors import InputError, StateError
from campaign.domain.signature import SignatureState
from campaign.models import Action
from campaign.services.signature import locked
from campaign.services.tally import Cell, count
from campaign.services.transaction import transaction

_ONCE = {
    "sqlite": sqlite.insert(Action).on_conflict_do_nothing().returning(Action.id),
    "postgresql": postgresql.insert(Action).on_conflict_do_nothing().returning(Action.id),
}


def record(signature_id: int, channel: Channel, *, target: int, now: datetime) -> bool:
    """Counts one act of a confirmed signer, once per channel, target and day; False where it was counted already.

    Raises NotFoundError (erased), StateError (not confirmed), InputError (no such channel for supporters).
    """
    if channel not in REPORTABLE:
        raise InputError("channel", "unknown", f"{channel} is not for supporters to report")
    with transaction() as session:
        signature = locked(session, signature_id)
        if signature.state != SignatureState.CONFIRMED:
            raise StateError(f"the signature is {signature.state}")
        connection = session.connection()
        cell = Cell(signature.appeal_id, signature.section_code, channel.value, Evidence.REPORTED.value)
        values = {
            **cell.as_columns(),
            "quantity": 1,
            "signature_id": signature.id,
            "target": target,
            "happened_on": now.date(),
            "counted_at": now,
        }
        if connection.execute(_ONCE[connection.dialect.name], values).first() is None:
            return False
        count(connection, cell, now, 1)
    return True
