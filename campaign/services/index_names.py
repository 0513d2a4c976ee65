"""Putting names into the index by which staff find them: of signatures from before there was one.

A name that none of the keys opens gets an empty digest, so that it is not looked at again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, text, update

from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError
from campaign.domain.place import at_signature
from campaign.extensions import db
from campaign.extensions.locks import KEYS_STAY
from campaign.models import Signature
from campaign.services.transaction import transaction

BATCH = 1000
_WAITING = (
    select(Signature.id, Signature.name_sealed, Signature.appeal_id, Signature.address_digest)
    .where(text("signature.name_digest IS NULL AND signature.name_sealed IS NOT NULL"))
    .order_by(Signature.id)
)
_KEEP = update(Signature).where(Signature.id == bindparam("row")).values(name_digest=bindparam("digest"))


def index_names(*, vault: Vault, batch: int = BATCH) -> int:
    """Does the next batch, in one transaction; returns how many it was. Nothing waits: nothing is written."""
    waits = db.session.execute(_WAITING.limit(1)).first() is not None
    db.session.rollback()
    if not waits:
        return 0
    with transaction() as session:
        rows = session.execute(_WAITING.limit(batch).with_for_update(skip_locked=True, **KEYS_STAY)).all()
        kept = [{"row": row.id, "digest": _digest(row, vault)} for row in rows]
        if kept:
            session.connection().execute(_KEEP, kept)
        return len(kept)


def _digest(row: Any, vault: Vault) -> bytes:
    try:
        return vault.name_digest(vault.open_name(row.name_sealed, at_signature(row.appeal_id, row.address_digest)))
    except CipherError:
        return b""
