"""Bringing a backup back: the rows in one transaction, then everything that must be true before supporters return.

Who left after the backup was taken leaves again, what is too old is let go of, and no id that was given out after it
is given to somebody else: a link in an old mail would open a stranger's signature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyrage.x25519 import Identity
from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from campaign.domain.backup.backup_file import BackupError, BackupReader, ByteWriter, Manifest, unseal
from campaign.domain.privacy.erasure_journal import Erasure
from campaign.platform import Model, db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.privacy.key_rotation import sealed_by_key
from campaign.services.backup import embedded, server
from campaign.services.backup.verify import open_backup
from campaign.services.counting.verify import Difference, verify
from campaign.services.privacy.erasure_journal import replay
from campaign.services.privacy.retention import purge_expired


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was done to a restored database, and what is wrong with it: tallies that differ, keys that are missing."""

    left_again: Counter[str]
    expired: Counter[str]
    differences: list[Difference]
    missing_keys: dict[str, int]


def load_backup(path: Path, key: Identity, *, replace: bool, revisions: Collection[str], context: Context) -> Manifest:
    """Puts the backup's rows into the database of the settings, whole or not at all; `revisions` are the migrations
    that are known here. Raises BackupError."""
    kind = "sqlite" if db.engine.dialect.name == "sqlite" else "postgresql"
    begun: list[embedded.EmbeddedTarget | server.ServerTarget] = []

    def begin(manifest: Manifest) -> ByteWriter:
        if manifest.database != kind:
            raise BackupError(f"this is a backup of {manifest.database}, but TOCSIN_DATABASE_URL names {kind}")
        if manifest.index_key != context.vault.index_key_id:
            raise BackupError("it was taken with another TOCSIN_INDEX_KEY, without which nobody in it can be found")
        if manifest.revision not in revisions:
            raise BackupError(f"it was taken by a newer version of Tocsin (migration {manifest.revision} is unknown)")
        make = embedded.EmbeddedTarget if kind == "sqlite" else server.ServerTarget
        begun.append(make(db.engine, replace=replace))
        return begun[0]

    db.session.remove()
    try:
        with open_backup(path) as file:
            manifest = unseal(file, BackupReader(begin), key)
        begun[0].finish(manifest)
    finally:
        for one in begun:
            one.close()
    return manifest


def settle_restored(erasures: Sequence[Erasure], *, context: Context) -> RestoreReport:
    """Makes a restored database, migrated, fit for supporters; `days` is TOCSIN_RETENTION_DAYS. May be repeated."""
    _skip_ids(context.now)
    left_again = replay(erasures, context=context)
    expired = purge_expired(go_on=lambda: True, context=context)
    known = {one.hex() for one in context.vault.key_ids}
    missing = {name: number for name, number in sealed_by_key(context.vault).items() if number and name not in known}
    return RestoreReport(left_again, expired, verify(), missing)


def _skip_ids(now: datetime) -> None:
    """From now on ids begin at the clock's microseconds, beyond all that was ever given out."""
    first = int(now.timestamp() * 1_000_000)
    with transaction() as session:
        skip = _skip_sqlite if session.get_bind().dialect.name == "sqlite" else _skip_postgresql
        for table in Model.metadata.sorted_tables:
            if table.autoincrement_column is not None and table.autoincrement_column.name == "id":
                skip(session, table, first)


def _skip_sqlite(session: Session, table: Table, first: int) -> None:
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return
    session.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    session.execute(
        text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), {"name": table.name, "seq": first - 1}
    )


def _skip_postgresql(session: Session, table: Table, first: int) -> None:
    session.execute(
        text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :first, false)"), {"name": table.name, "first": first}
    )
