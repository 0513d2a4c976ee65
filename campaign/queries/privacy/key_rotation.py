"""The progress of a rotation of the data key."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from campaign.domain.privacy.cipher import Vault
from campaign.models.privacy.sealed_columns import SEALED, key_of
from campaign.platform import db


def values_by_key(vault: Vault) -> dict[str, int]:
    """Return the number of values encrypted by each key, by the key's id in hex; the newest key is first."""
    counts: Counter[str] = Counter({vault.newest_key.hex(): 0})
    for model, sealed_columns in SEALED.items():
        for name in sealed_columns.columns:
            column = getattr(model, name)
            key = key_of(column)
            for key_id, number in db.session.execute(
                select(key, func.count()).where(column.is_not(None)).group_by(key)
            ):
                counts[bytes(key_id).hex()] += int(number)
    return dict(counts)
