"""The seeds of rows' keys, which are needed to decrypt values sealed with a row's key."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from campaign.models import RowKey
from campaign.platform import db

_SEEDS = select(RowKey.seeds_sealed).where(RowKey.id == bindparam("batch"))


def seeds_of(batch: int) -> bytes | None:
    """Return the sealed seeds of a batch; None if there is no batch with that id."""
    return db.session.scalar(_SEEDS, {"batch": batch})
