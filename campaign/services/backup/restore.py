"""The restore of a backup in two steps: the rows in one transaction, then the preparation of the database for use.

The second step repeats the erasures made after the backup, and purges expired data. It also skips the ids used after
the backup, so that an id in an older mail, log or list never names another row.
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
from campaign.queries.privacy.key_rotation import values_by_key
from campaign.services.backup import embedded, server
from campaign.services.backup.verify import open_backup
from campaign.services.counting.verify import Difference, verify_counts
from campaign.services.privacy.erasure_journal import replay
from campaign.services.privacy.retention import purge_expired


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The changes to a restored database, and its problems.

    `erased_again` and `expired` are numbers by kind, `differences` the stored counts that differ from the rows.
    `missing_keys` gives the number of values by data key, for the keys that the application does not have.
    """

    erased_again: Counter[str]
    expired: Counter[str]
    differences: list[Difference]
    missing_keys: dict[str, int]


def load_backup(path: Path, key: Identity, *, replace: bool, revisions: Collection[str], context: Context) -> Manifest:
    """Load all of the backup's rows into the database of the settings, or none; return the manifest.

    With `replace`, the backup replaces the content of the database; without it, the database must be empty.
    `revisions` are the migrations that this version knows. Raises BackupError.
    """
    database_kind = "sqlite" if db.engine.dialect.name == "sqlite" else "postgresql"
    targets: list[embedded.EmbeddedTarget | server.ServerTarget] = []

    def open_dump(manifest: Manifest) -> ByteWriter:
        if manifest.database != database_kind:
            raise BackupError(f"this is a backup of {manifest.database}, but TOCSIN_DATABASE_URL names {database_kind}")
        if manifest.index_key != context.vault.index_key_id:
            raise BackupError("it was taken with another TOCSIN_INDEX_KEY, without which nobody in it can be found")
        if manifest.revision not in revisions:
            raise BackupError(f"it was taken by a newer version of Tocsin (migration {manifest.revision} is unknown)")
        make = embedded.EmbeddedTarget if database_kind == "sqlite" else server.ServerTarget
        targets.append(make(db.engine, replace=replace))
        return targets[0]

    db.session.remove()
    try:
        with open_backup(path) as file:
            manifest = unseal(file, BackupReader(open_dump), key)
        targets[0].finish(manifest)
    finally:
        for target in targets:
            target.close()
    return manifest


def settle_restored(erasures: Sequence[Erasure], *, context: Context) -> RestoreReport:
    """Prepare a restored and migrated database for use; return the changes and problems. It may be repeated."""
    _skip_ids(context.now)
    erased_again = replay(erasures, context=context)
    expired = purge_expired(may_continue=lambda: True, context=context)
    known_keys = {key_id.hex() for key_id in context.vault.key_ids}
    missing = {
        name: number for name, number in values_by_key(context.vault).items() if number and name not in known_keys
    }
    return RestoreReport(erased_again, expired, verify_counts(), missing)


def _skip_ids(now: datetime) -> None:
    """Set the next ids to the clock's time in microseconds, so that no id is assigned a second time.

    Ids count up from 1, or from the time of an earlier restore, and no table gets a million rows a second.
    """
    first = int(now.timestamp() * 1_000_000)
    with transaction() as session:
        skip_ids = _skip_sqlite if session.get_bind().dialect.name == "sqlite" else _skip_postgresql
        for table in Model.metadata.sorted_tables:
            if table.autoincrement_column is not None and table.autoincrement_column.name == "id":
                skip_ids(session, table, first)


def _skip_sqlite(session: Session, table: Table, first: int) -> None:
    """Set the table's next id. Does nothing without AUTOINCREMENT: such a table has no row in `sqlite_sequence`."""
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
