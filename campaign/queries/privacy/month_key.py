"""The keys of the months there are, by which domains and networks are looked for."""

from __future__ import annotations

from sqlalchemy import select

from campaign.domain.privacy.cipher import Vault
from campaign.models import MonthKey
from campaign.platform import db


def month_digests(digest: bytes, use: str, vault: Vault) -> list[bytes]:
    """Return what rows of that use may hold of the digest of a domain or network: one for each month."""
    rows = db.session.execute(select(MonthKey.id, MonthKey.key_sealed).order_by(MonthKey.id.desc())).all()
    keys = [vault.open_month_key(row.key_sealed, row.id) for row in rows]
    return [found for key in keys if (found := vault.month_digest(digest, key, use)) is not None]
