"""The seeds of rows' keys, by which what is sealed under a row's key is opened."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from campaign.models import RowKey
from campaign.platform import db

_SEEDS = select(RowKey.seeds_sealed).where(RowKey.id == bindparam("batch"))


def seeds_of(batch: int) -> bytes | None:
    """Return the sealed seeds of a batch; None where there is none of that id."""
    return db.session.scalar(_SEEDS, {"batch": batch})
