"""The rotation of data keys: everything sealed is sealed anew with the newest key, while supporters go on signing.

No progress is stored: each value names the key that sealed it, so an interrupted run is simply started again. The
index key is not rotated and the digests made with it stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.models.privacy.sealed_columns import SEALED, key_of
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction

# The rows sealed anew in one transaction: few enough that a sign-up never waits noticeably.
BATCH = 500


@dataclass(frozen=True, slots=True)
class RotationReport:
    """The result of one run: the number of values sealed anew, and of values that none of the keys decrypts."""

    resealed: int
    unreadable: int


def rotate(*, batch: int = BATCH, context: Context) -> RotationReport:
    """Seal everything anew that an older key sealed, batch by batch, each in its own transaction; return the numbers.

    Values that are stored meanwhile by a process that does not have the newest key yet are sealed by the next run.
    """
    resealed = unreadable = 0
    for model in SEALED:
        after_id: int | None = 0
        while after_id is not None:
            after_id, done, failed = _batch(model, after_id, context.vault, batch)
            resealed, unreadable = resealed + done, unreadable + failed
    return RotationReport(resealed, unreadable)


def _batch(model: type[Any], after_id: int, vault: Vault, size: int) -> tuple[int | None, int, int]:
    sealing = SEALED[model]
    columns = sealing.columns
    with transaction() as session:
        old = [(key_of(getattr(model, name)) != vault.newest_key) for name in columns]
        rows = session.execute(
            select(model.id, *(getattr(model, name) for name in (*columns, *sealing.facts)))
            .where(model.id > after_id, or_(*old))
            .order_by(model.id)
            .limit(size)
            .with_for_update(**NO_KEY_UPDATE)
        ).all()
        changes, failed, done = [], 0, 0
        for row in rows:
            values: dict[str, Any] = {f"new_{name}": getattr(row, name) for name in columns}
            place = sealing.place_of(row)
            for name, purpose in columns.items():
                sealed = getattr(row, name)
                if sealed is None or sealed.startswith(vault.newest_key):
                    continue
                try:
                    values[f"new_{name}"] = vault.reseal(sealed, place, purpose)
                    done += 1
                except CipherError:
                    failed += 1
            changes.append(values | {"row": row.id})
        if changes:
            changed = update(model).where(model.id == bindparam("row"))
            session.connection().execute(changed.values({name: bindparam(f"new_{name}") for name in columns}), changes)
    return (rows[-1].id if len(rows) == size else None), done, failed
