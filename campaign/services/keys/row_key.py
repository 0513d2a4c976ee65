"""The keys of single rows, and their erasure for good.

Where many rows are written, and a person waits for each, a thread reserves a batch of keys (`reserve`): sign-ups write
one further row for each 256 of them. Where few rows are written, their keys are written with them (`new_slots`).
"""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError
from campaign.domain.privacy import retention
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.row_key import SLOTS, KeySlot, KeyTree
from campaign.domain.privacy.sealed_place import at_row_key
from campaign.models import RowKey
from campaign.platform import db
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction

log = logging.getLogger(__name__)

# Added to the expiry of batches, because retention may run late.
_SPARE = timedelta(days=2)


class KeyUse(StrEnum):
    """The use of a batch of keys. A batch for rows that wait is erased as a whole once none can wait any longer."""

    WAITING = "waiting"
    SIGNED = "signed"
    ASKED = "asked"


# How long after the start of the batch a row of that use may wait; the other use has no limit.
_LASTS = {KeyUse.WAITING: retention.UNCONFIRMED, KeyUse.ASKED: retention.LINK_REQUESTS}


def reserve(vault: Vault, use: KeyUse, number: int = 1, *, now: datetime) -> None:
    """Reserve `number` keys (256 at most) for `vault.row_keys.take_key`. Call it outside transactions: it may write."""
    begun_on = vault.row_keys.batch_date(use)
    if vault.row_keys.remaining(use) >= number and begun_on == now.date():
        return
    batch, tree = secrets.randbits(63), KeyTree.fresh()
    lasts = _LASTS.get(use)
    expires_on = None if lasts is None else expiry(now, lasts)
    with transaction() as session:
        values = {"id": batch, "seeds_sealed": vault.seal_seeds(tree, at_row_key(batch)), "expires_on": expires_on}
        session.connection().execute(insert(RowKey), values)
    vault.row_keys.begin_batch(use, batch, tree, now.date())


def expiry(now: datetime, lasts: timedelta) -> date:
    """Return the day on which a batch of keys expires whose rows last so long from now on."""
    return (now + lasts).date() + _SPARE


def new_slots(
    connection: Connection, vault: Vault, number: int = 1, *, expires_on: date | None = None
) -> list[KeySlot]:
    """Return `number` keys for rows of the caller's transaction, written in it: a rollback leaves none of them.

    It costs a statement, and a row for each 256 keys, so it is not for signing, confirming and mailing.
    """
    slots: list[KeySlot] = []
    rows: list[dict[str, Any]] = []
    while len(slots) < number:
        batch, tree = secrets.randbits(63), KeyTree.fresh()
        slots += [KeySlot(batch, index, tree.key(index)) for index in range(min(SLOTS, number - len(slots)))]
        sealed = vault.seal_seeds(tree, at_row_key(batch))
        rows.append({"id": batch, "seeds_sealed": sealed, "expires_on": expires_on})
    if rows:
        connection.execute(insert(RowKey), rows)
    return slots


def erase_keys(session: Session, sealed: Iterable[bytes | None], vault: Vault, *, on: date) -> int:
    """Erase the keys of the rows that these values were in; return how many batches changed. The caller commits.

    Remains of the values, in old pages, logs and copies of the table, cannot be decrypted any more once the table of
    seeds has been rewritten (`rewrite`). Values without a row's key are skipped, and so are seeds that no data key
    decrypts: their rows cannot be read either. The first `SLOT_LENGTH` bytes of a value are enough.
    """
    numbers: dict[int, set[int]] = defaultdict(set)
    for value in sealed:
        slot = vault.slot_of(value)
        if slot is not None:
            numbers[slot[0]].add(slot[1])
    if not numbers:
        return 0
    chosen = select(RowKey).where(RowKey.id.in_(numbers)).order_by(RowKey.id).with_for_update(**NO_KEY_UPDATE)
    rows = session.scalars(chosen.execution_options(populate_existing=True)).all()
    for row in rows:
        place = at_row_key(row.id)
        try:
            remaining = vault.open_seeds(row.seeds_sealed, place).without(numbers[row.id])
        except CipherError:
            log.exception("a key of a row cannot be erased: the batch %s does not open", row.id)
            continue
        row.seeds_sealed, row.erased_on = vault.seal_seeds(remaining, place), on
        vault.row_keys.evict(row.id)
    session.flush()
    return len(rows)


def expire_keys(vault: Vault, *, on: date) -> int:
    """Erase the batches whose rows are all gone; return how many. They are deleted once the table was rewritten.

    If they were deleted at once, their seeds would stay in old pages and logs until the next erasure of a key.
    """
    with transaction() as session:
        emptied = RowKey.expires_on == _EMPTIED, text("row_key.erased_on IS NULL")
        session.execute(delete(RowKey).where(*emptied), execution_options={"synchronize_session": False})
        old = select(RowKey.id).where(RowKey.expires_on < on, RowKey.expires_on != _EMPTIED).order_by(RowKey.id)
        ids = session.scalars(old.with_for_update(**NO_KEY_UPDATE)).all()
        nothing = KeyTree({})
        sealed = [{"row": batch, "seeds": vault.seal_seeds(nothing, at_row_key(batch)), "on": on} for batch in ids]
        if sealed:
            session.connection().execute(_EXPIRED, sealed)
    for batch in ids:
        vault.row_keys.evict(batch)
    return len(ids)


def rewrite() -> bool:
    """Rewrite the table of seeds where keys were erased, so that no page or log of the database contains them.

    Returns whether that was done; False where nothing is due, or the table is in use and the next run is to try again.
    On SQLite freed pages are overwritten with zeros as they are freed (`secure_delete`), and the log is emptied here;
    on PostgreSQL the table becomes a new file, and the older part of the log goes at the server's next checkpoints.
    Costs milliseconds: ten million rows have ten megabytes of seeds.
    """
    erased = select(RowKey.id, RowKey.seeds_sealed).where(text("row_key.erased_on IS NOT NULL"))
    rows = [{"row": row.id, "seeds": row.seeds_sealed} for row in db.session.execute(erased)]
    db.session.remove()
    if not rows or not _REWRITE[db.engine.dialect.name]():
        return False
    with transaction() as session:
        # Batches that lost more keys meanwhile stay marked: the table still contains these keys.
        session.connection().execute(_REWRITTEN, rows)
    return True


def _empty_log() -> bool:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Writers wait for the checkpoint, so it gives up soon where another connection reads for long.
        earlier_timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE_MILLISECONDS}")
        try:
            is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {earlier_timeout}")
    return not is_busy


def _new_file() -> bool:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {_PATIENCE_MILLISECONDS}")
        try:
            connection.exec_driver_sql("VACUUM (FULL, ANALYZE) row_key")
            _checkpoint(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            return False
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
    return True


def _checkpoint(connection: Connection) -> None:
    """Run a checkpoint, so that the log before now is dropped, where the role may: superuser or pg_checkpoint."""
    with suppress(ProgrammingError):
        connection.exec_driver_sql("CHECKPOINT")


# The value of `expires_on` of a batch that has expired and is emptied.
_EMPTIED = date(1970, 1, 1)
_EXPIRED = (
    update(RowKey)
    .where(RowKey.id == bindparam("row"))
    .values(seeds_sealed=bindparam("seeds"), erased_on=bindparam("on"), expires_on=_EMPTIED)
)
_PATIENCE_MILLISECONDS = 500
_LOCK_NOT_AVAILABLE = "55P03"
_REWRITTEN = (
    update(RowKey)
    .where(RowKey.id == bindparam("row"), RowKey.seeds_sealed == bindparam("seeds"))
    .values(erased_on=None)
)
_REWRITE = {"sqlite": _empty_log, "postgresql": _new_file}
