"""The key of a month, made at its first use and deleted when nothing is stored under it any more."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from sqlalchemy import select, update

from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.models import MonthKey
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.transaction import transaction

log = logging.getLogger(__name__)

_FIND = select(MonthKey.key_sealed)
_KEY_LENGTH = 32


def month_of(moment: datetime) -> int:
    """Return the number of the month, counted from the year 0 on."""
    return moment.year * 12 + moment.month - 1


def month_key(vault: Vault, *, now: datetime, is_set_back: bool = False) -> bytes:
    """Return the key of the month. Call it outside of transactions: once a month and process it reads, and may write.

    `is_set_back` is true where the database was restored to an earlier state: it may lack the key that this process
    remembers, so the key is read again.
    """
    month = month_of(now)
    known = None if is_set_back else vault.month_keys.get(month)
    if known is None:
        with transaction() as session:
            made = vault.seal_month_key(secrets.token_bytes(_KEY_LENGTH), month)
            insert_or_ignore(session.connection(), MonthKey, {"id": month, "key_sealed": made})
            sealed = session.scalars(_FIND.where(MonthKey.id == month).with_for_update()).one()
            try:
                known = vault.open_month_key(sealed, month)
            except CipherError:
                # The digests made under it cannot be matched any more; that must not prevent signing.
                log.exception("the key of month %s does not open: another one takes its place", month)
                session.execute(update(MonthKey).where(MonthKey.id == month).values(key_sealed=made))
                known = vault.open_month_key(made, month)
        vault.month_keys[month] = known
    return known
