"""The rotation of data keys: all sealed values are sealed anew with the newest key, while supporters continue to sign.

No progress is stored. Each value contains the id of its key, so an interrupted run is simply started again. The index
key is not rotated, and the digests made with it stay.
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

# The number of rows in one transaction, small enough that no sign-up waits noticeably.
BATCH = 500


@dataclass(frozen=True, slots=True)
class RotationReport:
    """The result of one run: the number of values sealed anew, and of values that no key decrypts."""

    resealed: int
    unreadable: int


def rotate(*, batch: int = BATCH, context: Context) -> RotationReport:
    """Seal all values of older keys anew, each batch in its own transaction; return the numbers of values.

    Values that a process without the newest key stores meanwhile are sealed anew by the next run.
    """
    resealed = unreadable = 0
    for model in SEALED:
        after_id: int | None = 0
        while after_id is not None:
            after_id, batch_resealed, batch_unreadable = _reseal_batch(model, after_id, context.vault, batch)
            resealed, unreadable = resealed + batch_resealed, unreadable + batch_unreadable
    return RotationReport(resealed, unreadable)


def _reseal_batch(model: type[Any], after_id: int, vault: Vault, size: int) -> tuple[int | None, int, int]:
    """Seal a batch of rows anew; return its last id (None at the end), and the numbers of values as RotationReport."""
    sealed_columns = SEALED[model]
    columns = sealed_columns.columns
    with transaction() as session:
        is_old = [(key_of(getattr(model, name)) != vault.newest_key) for name in columns]
        rows = session.execute(
            select(model.id, *(getattr(model, name) for name in (*columns, *sealed_columns.facts)))
            .where(model.id > after_id, or_(*is_old))
            .order_by(model.id)
            .limit(size)
            .with_for_update(**NO_KEY_UPDATE)
        ).all()
        changes, unreadable, resealed = [], 0, 0
        for row in rows:
            values: dict[str, Any] = {f"new_{name}": getattr(row, name) for name in columns}
            place = sealed_columns.place_of(row)
            for name, purpose in columns.items():
                sealed = getattr(row, name)
                if sealed is None or sealed.startswith(vault.newest_key):
                    continue
                try:
                    values[f"new_{name}"] = vault.reseal(sealed, place, purpose)
                    resealed += 1
                except CipherError:
                    unreadable += 1
            changes.append(values | {"row": row.id})
        if changes:
            statement = update(model).where(model.id == bindparam("row"))
            session.connection().execute(
                statement.values({name: bindparam(f"new_{name}") for name in columns}), changes
            )
    return (rows[-1].id if len(rows) == size else None), resealed, unreadable
