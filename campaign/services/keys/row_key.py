"""Giving rows a key of their own, and erasing it for good.

Where many rows are written and each is waited for, a thread takes a batch of keys for itself (`reserve`): a sign-up
writes one further row for each 256 of them. Where few are, their keys are written with them (`new_slots`).
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

# Retention may be late.
_SPARE = timedelta(days=2)


class KeyUse(StrEnum):
    """The use of a batch of keys: those of rows that wait go as a whole when none of them waits any longer."""

    WAITING = "waiting"
    SIGNED = "signed"
    ASKED = "asked"


# How long after the batch was begun any row of that use may wait; no limit for the others.
_LASTS = {KeyUse.WAITING: retention.UNCONFIRMED, KeyUse.ASKED: retention.LINK_REQUESTS}


def reserve(vault: Vault, use: KeyUse, number: int = 1, *, now: datetime) -> None:
    """Have so many keys at hand (256 at most) for `vault.row_keys.take`. Outside of transactions: it may write."""
    begun_on = vault.row_keys.begun_on(use)
    if vault.row_keys.left(use) >= number and begun_on == now.date():
        return
    batch, tree = secrets.randbits(63), KeyTree.fresh()
    lasts = _LASTS.get(use)
    expires_on = None if lasts is None else expiry(now, lasts)
    with transaction() as session:
        values = {"id": batch, "seeds_sealed": vault.seal_seeds(tree, at_row_key(batch)), "expires_on": expires_on}
        session.connection().execute(insert(RowKey), values)
    vault.row_keys.begin(use, batch, tree, now.date())


def expiry(now: datetime, lasts: timedelta) -> date:
    """Return when a batch of keys goes whose rows last so long from now on."""
    return (now + lasts).date() + _SPARE


def new_slots(
    connection: Connection, vault: Vault, number: int = 1, *, expires_on: date | None = None
) -> list[KeySlot]:
    """Return so many keys for rows of the caller's transaction, written in it: rolled back, none of them is left.

    A statement and a row for each 256, so not where somebody signs, confirms or is mailed to.
    """
    slots: list[KeySlot] = []
    rows: list[dict[str, Any]] = []
    while len(slots) < number:
        batch, tree = secrets.randbits(63), KeyTree.fresh()
        slots += [KeySlot(batch, one, tree.key(one)) for one in range(min(SLOTS, number - len(slots)))]
        sealed = vault.seal_seeds(tree, at_row_key(batch))
        rows.append({"id": batch, "seeds_sealed": sealed, "expires_on": expires_on})
    if rows:
        connection.execute(insert(RowKey), rows)
    return slots


def erase_keys(session: Session, sealed: Iterable[bytes | None], vault: Vault, *, on: date) -> int:
    """Erase the keys of the rows that these values were in; return how many batches changed. The caller commits.

    What is left of the values, in old pages, logs and copies of the table, opens no more once the table of seeds has
    been rewritten (`rewrite`). Values without a row's key are passed over, and so are seeds that no data key opens: of
    their rows nothing can be read either. Of a value its first `SLOT_LENGTH` bytes are enough.
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
            left = vault.open_seeds(row.seeds_sealed, place).without(numbers[row.id])
        except CipherError:
            log.exception("a key of a row cannot be erased: the batch %s does not open", row.id)
            continue
        row.seeds_sealed, row.erased_on = vault.seal_seeds(left, place), on
        vault.row_keys.forget(row.id)
    session.flush()
    return len(rows)


def expire_keys(vault: Vault, *, on: date) -> int:
    """Erase the batches whose rows are all gone; return how many. They are deleted once the table was rewritten.

    Deleted at once, they would stand in old pages and logs until somebody else is erased.
    """
    with transaction() as session:
        emptied = RowKey.expires_on == _EMPTIED, text("row_key.erased_on IS NULL")
        session.execute(delete(RowKey).where(*emptied), execution_options={"synchronize_session": False})
        old = select(RowKey.id).where(RowKey.expires_on < on, RowKey.expires_on != _EMPTIED).order_by(RowKey.id)
        ids = session.scalars(old.with_for_update(**NO_KEY_UPDATE)).all()
        nothing = KeyTree({})
        sealed = [{"row": one, "seeds": vault.seal_seeds(nothing, at_row_key(one)), "on": on} for one in ids]
        if sealed:
            session.connection().execute(_EXPIRED, sealed)
    for one in ids:
        vault.row_keys.forget(one)
    return len(ids)


def rewrite() -> bool:
    """Write the table of seeds anew where keys were erased, so that no page or log of the database holds them.

    Returns whether that was done; False where nothing is due, or others are at work and the next run is to try again.
    On SQLite freed pages are overwritten with zeros as they are freed (`secure_delete`), and the log is emptied here;
    on PostgreSQL the table becomes a new file, and the older part of the log goes at the server's next checkpoints.
    Costs milliseconds: ten million rows have ten megabytes of seeds.
    """
    erased = select(RowKey.id, RowKey.seeds_sealed).where(text("row_key.erased_on IS NOT NULL"))
    found = [{"row": row.id, "seeds": row.seeds_sealed} for row in db.session.execute(erased)]
    db.session.remove()
    if not found or not _REWRITE[db.engine.dialect.name]():
        return False
    with transaction() as session:
        # Of batches that lost more keys meanwhile the table still holds those.
        session.connection().execute(_REWRITTEN, found)
    return True


def _empty_log() -> bool:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Who signs waits behind it: it gives up soon where somebody reads for long.
        before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE_MILLISECONDS}")
        try:
            is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {before}")
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
    """Let the log before now go, where our role may ask for that: superusers and members of pg_checkpoint may."""
    with suppress(ProgrammingError):
        connection.exec_driver_sql("CHECKPOINT")


# Stands in the place of the day on which a batch was to expire, where that is done.
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
