"""The stored keys of months, for finding digests of domains and networks."""

from __future__ import annotations

from sqlalchemy import select

from campaign.domain.privacy.cipher import Vault
from campaign.models import MonthKey
from campaign.platform import db


def month_digests(digest: bytes, use: str, vault: Vault) -> list[bytes]:
    """Return the digests of a domain or network that rows of that use may have: one for each month."""
    rows = db.session.execute(select(MonthKey.id, MonthKey.key_sealed).order_by(MonthKey.id.desc())).all()
    keys = [vault.open_month_key(row.key_sealed, row.id) for row in rows]
    return [stored_digest for key in keys if (stored_digest := vault.month_digest(digest, key, use)) is not None]
