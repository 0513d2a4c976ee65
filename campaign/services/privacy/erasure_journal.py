"""The erasure journal: files that outlive the database, replayed after a restore so that erased data stays erased.

A row is written in the transaction of the erasure itself; a worker moves it into the month's file within a second. One
process at a time appends to a file. The row of a line that a crash left incomplete still exists, and is written again.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError
from campaign.domain.privacy import retention
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import Erasure, ErasureJournalError, ErasureKind, read_erasure
from campaign.domain.signing.address import parse_address
from campaign.models import ErasureJournalEntry as Row
from campaign.models import SheetRow, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.signature import last_consent
from campaign.services.keys.row_key import erase_keys
from campaign.services.signing.unsubscribe import end_updates
from campaign.services.signing.withdraw import delete_sheet_rows, erase_row, set_name_sharing, withdraw_row

BATCH = 500
_READ = 5000
# After an erasure of these kinds the signature is deleted or emptied.
_EMPTIES = (ErasureKind.ERASED, ErasureKind.ADDRESS_CHANGED)
_FILE = re.compile(r"(\d{4})-(\d{2})\.journal")


@dataclass(frozen=True, slots=True)
class JournalContent:
    """The erasures in the files of a folder, and the damaged lines."""

    erasures: tuple[Erasure, ...]
    damaged: tuple[str, ...]


def write_out(folder: Path, *, heartbeat: Callable[[], None] = lambda: None, context: Context) -> int:
    """Move waiting rows into the folder's files, with a call of `heartbeat` after each batch; return how many.

    Raises OSError; then the rows of the batch keep waiting.
    """
    waiting = db.session.execute(select(Row.id).limit(1)).first()
    db.session.rollback()
    moved = 0
    while waiting is not None:
        with transaction() as session:
            rows = session.scalars(
                select(Row).order_by(Row.id).limit(BATCH).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
            ).all()
            _append(folder, [_erasure(row) for row in rows], context.vault)
            session.execute(delete(Row).where(Row.id.in_([row.id for row in rows])))
        moved += len(rows)
        if len(rows) < BATCH:
            break
        heartbeat()
    return moved


def unwritable(folder: Path) -> str | None:
    """Return the reason why the folder cannot be written to; None where it can. The probe file is deleted."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(probe, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(number, b"-")
        finally:
            os.close(number)
            probe.unlink()
    except OSError as error:
        return f"who left cannot be written to {folder}: {error.strerror or error}"
    return None


def read_folder(folder: Path, *, vault: Vault) -> JournalContent:
    """Return everything in the folder's files, the oldest first; nothing for a folder that does not exist."""
    erasures: list[Erasure] = []
    damaged: list[str] = []
    for path in sorted(folder.glob("*.journal")):
        for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), 1):
            try:
                erasures.append(read_erasure(line, vault))
            except ErasureJournalError as error:
                damaged.append(f"{path}, line {number}: {error}")
    return JournalContent(tuple(sorted(erasures, key=lambda erasure: erasure.left_at)), tuple(damaged))


def replay(erasures: Sequence[Erasure], *, context: Context) -> Counter[str]:
    """Repeat the erasures whose data a backup brought back; return how many of each kind.

    Repeating it changes nothing, and a signature that was made after the erasure stays. The digests in the files cannot
    be inverted, so the digests of all signatures on the named appeals are computed once, some microseconds each.
    """
    vault = context.vault
    done: Counter[str] = Counter()
    if erasures:
        _erase_waiting(erasures, vault)
    ids = _signatures(erasures, vault)
    remaining = iter(erasures)
    while batch := list(islice(remaining, BATCH)):
        done.update(_replay(batch, ids, vault))
    return done


def forget(folder: Path, *, context: Context) -> int:
    """Delete the files of months so long ago that no earlier backup may exist any more; return how many."""
    deleted = 0
    for path in sorted(folder.glob("*.journal")):
        name = _FILE.fullmatch(path.name)
        if name is None:
            continue
        month_ends = datetime(int(name[1]), int(name[2]), 28, tzinfo=UTC) + timedelta(days=4)
        if month_ends < context.now - retention.TOMBSTONES:
            path.unlink()
            deleted += 1
    return deleted


def _erasure(row: Row) -> Erasure:
    return Erasure(ErasureKind(row.kind), row.appeal_id, row.address_digest, row.signed_at, row.left_at)


def _append(folder: Path, erasures: list[Erasure], vault: Vault) -> None:
    by_month: dict[str, list[str]] = {}
    for erasure in erasures:
        by_month.setdefault(f"{erasure.left_at.astimezone(UTC):%Y-%m}", []).append(erasure.as_line(vault))
    for month, lines in by_month.items():
        folder.mkdir(parents=True, exist_ok=True)
        _append_lines(folder / f"{month}.journal", "".join(f"{line}\n" for line in lines).encode())
        _sync_folder(folder)


def _append_lines(path: Path, content: bytes) -> None:
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(number, "rb+", buffering=0) as file:
        fcntl.flock(number, fcntl.LOCK_EX)
        size = os.fstat(number).st_size
        # A process that crashed in the middle of a line has not deleted its row, so the partial line is cut off.
        tail = os.pread(number, min(size, 4096), max(0, size - 4096))
        whole = size - len(tail) + tail.rfind(b"\n") + 1
        if whole != size:
            os.ftruncate(number, whole)
        if file.write(content) != len(content):
            os.ftruncate(number, whole)
            raise OSError(f"{path} took only part of what was written")
        os.fsync(number)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _signatures(erasures: Iterable[Erasure], vault: Vault) -> dict[bytes, int]:
    """Return the ids of the signatures to which the erasures apply, by their digest in the files."""
    erased = {erasure.address_digest for erasure in erasures}
    ids: dict[bytes, int] = {}
    for appeal_id in sorted({erasure.appeal_id for erasure in erasures}):
        chosen = select(Signature.id, Signature.address_digest).where(
            Signature.appeal_id == appeal_id, Signature.address_digest.is_not(None)
        )
        for number, digest in db.session.execute(chosen.execution_options(yield_per=_READ)):
            journal_digest = vault.journal_digest(bytes(digest or b""))
            if journal_digest in erased:
                ids[journal_digest] = number
    db.session.rollback()
    return ids


def _erase_waiting(erasures: Iterable[Erasure], vault: Vault) -> None:
    """Delete the forms, with their keys, and the rows of sheets that waited when their address was erased.

    It deletes those on all appeals.
    """
    erased = {erasure.address_digest: erasure for erasure in erasures if erasure.kind == ErasureKind.ERASED}
    appeal_ids = sorted({erasure.appeal_id for erasure in erased.values()})
    with transaction() as session:
        waiting: list[SheetRow | SignUp] = [*session.scalars(select(SheetRow)), *session.scalars(select(SignUp))]
        for row in waiting:
            if row.email_sealed is None:
                continue
            try:
                address = parse_address(vault.open_email(row.email_sealed, place_of(row)))
            except CipherError:
                continue
            for digest in vault.address_digests(appeal_ids, address):
                erasure = erased.get(vault.journal_digest(digest))
                if erasure is None or row.address_digest is None:
                    continue
                if isinstance(row, SheetRow):
                    delete_sheet_rows(session, [row.address_digest], erasure.left_at, vault)
                elif row.signed_at <= erasure.left_at:
                    erase_keys(session, [row.origin_sealed], vault, on=erasure.left_at.date())
                    session.delete(row)
                    break


def _replay(batch: list[Erasure], ids: dict[bytes, int], vault: Vault) -> Iterator[str]:
    with transaction() as session:
        locked_ids = sorted({ids[erasure.address_digest] for erasure in batch if erasure.address_digest in ids})
        chosen = (
            select(Signature)
            .where(Signature.id.in_(locked_ids))
            .order_by(Signature.id)
            .with_for_update(**NO_KEY_UPDATE)
        )
        rows = {row.id: row for row in session.scalars(chosen)}
        for erasure in batch:
            row = rows.get(ids.get(erasure.address_digest, 0))
            if row is None or row.appeal_id != erasure.appeal_id or row.signed_at > erasure.signed_at:
                continue
            if _repeat(session, row, erasure, vault):
                yield erasure.kind.value
                if erasure.kind in _EMPTIES:
                    del rows[row.id]


def _repeat(session: Session, row: Signature, erasure: Erasure, vault: Vault) -> bool:
    if erasure.kind == ErasureKind.ERASED:
        erase_row(session, row, erasure.left_at, vault)
        return True
    if erasure.kind == ErasureKind.WITHDRAWN:
        return withdraw_row(session, row, erasure.left_at, vault)
    # A consent that was given after the erasure stays. Only its hour is stored: within the same hour the erasure
    # prevails.
    if last_consent(session, row).given_at > erasure.left_at:
        return False
    if erasure.kind == ErasureKind.ADDRESS_CHANGED:
        # The new address is not known here, and the old mailbox may belong to another person by now.
        erase_row(session, row, erasure.left_at, vault)
        return True
    if erasure.kind == ErasureKind.UPDATES_ENDED and row.wants_updates:
        end_updates(session, row, erasure.left_at)
        return True
    if erasure.kind == ErasureKind.SHARING_ENDED and row.shares_name:
        set_name_sharing(session, row, erasure.left_at, vault, is_wanted=False)
        return True
    return False
