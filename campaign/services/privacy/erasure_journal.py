"""The erasure journal: files outside the database, replayed after a restore so that erased data stays erased.

The transaction of an erasure inserts a row, which a worker moves into the month's file within a second. One process at
a time appends to a file. If a crash leaves a line incomplete, its row still exists, and is written again.
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
from campaign.services.signing.consents import set_name_sharing
from campaign.services.signing.erase import delete_sheet_rows, erase_row
from campaign.services.signing.unsubscribe import end_updates
from campaign.services.signing.withdraw import withdraw_row

BATCH = 500
_ROWS_A_FETCH = 5000
# An erasure of these kinds deletes or empties the signature.
_EMPTYING_KINDS = (ErasureKind.ERASED, ErasureKind.ADDRESS_CHANGED)
_FILE = re.compile(r"(\d{4})-(\d{2})\.journal")


@dataclass(frozen=True, slots=True)
class JournalContent:
    """The erasures in the files of a folder, and the damaged lines."""

    erasures: tuple[Erasure, ...]
    damaged: tuple[str, ...]


def write_entries(folder: Path, *, heartbeat: Callable[[], None] = lambda: None, context: Context) -> int:
    """Move waiting rows into the folder's files, calling `heartbeat` after each batch; return how many.

    Raises OSError; then the rows of the batch stay in the table.
    """
    waiting = db.session.execute(select(Row.id).limit(1)).first()
    db.session.rollback()
    moved = 0
    while waiting is not None:
        with transaction() as session:
            rows = session.scalars(
                select(Row).order_by(Row.id).limit(BATCH).with_for_update(skip_locked=True, **NO_KEY_UPDATE)
            ).all()
            _append_to_files(folder, [_erasure(row) for row in rows], context.vault)
            session.execute(delete(Row).where(Row.id.in_([row.id for row in rows])))
        moved += len(rows)
        if len(rows) < BATCH:
            break
        heartbeat()
    return moved


def write_problem(folder: Path) -> str | None:
    """Return the reason why the folder cannot be written to; None where it can. Tests it with a temporary file."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, b"-")
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        return f"who left cannot be written to {folder}: {error.strerror or error}"
    return None


def read_folder(folder: Path, *, vault: Vault) -> JournalContent:
    """Return the content of the folder's files, the oldest entry first; none for a folder that does not exist."""
    erasures: list[Erasure] = []
    damaged: list[str] = []
    for path in sorted(folder.glob("*.journal")):
        for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), 1):
            try:
                erasures.append(read_erasure(line, vault))
            except ErasureJournalError as error:
                damaged.append(f"{path}, line {number}: {error}")
    return JournalContent(tuple(sorted(erasures, key=lambda erasure: erasure.happened_at)), tuple(damaged))


def replay(erasures: Sequence[Erasure], *, context: Context) -> Counter[str]:
    """Repeat the erasures whose data a backup has restored; return how many of each kind.

    A second call changes nothing. Signatures made after the erasure stay. The digests in the files cannot be inverted,
    so those of all signatures on the appeals concerned are computed once, in some microseconds each.
    """
    vault = context.vault
    replayed: Counter[str] = Counter()
    if erasures:
        _erase_waiting_forms(erasures, vault)
    ids = _signature_ids(erasures, vault)
    remaining = iter(erasures)
    while batch := list(islice(remaining, BATCH)):
        replayed.update(_replay_batch(batch, ids, vault))
    return replayed


def delete_expired_files(folder: Path, *, context: Context) -> int:
    """Delete the files of months before which no backup may exist any more; return how many."""
    deleted = 0
    for path in sorted(folder.glob("*.journal")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            continue
        month_ends = datetime(int(match[1]), int(match[2]), 28, tzinfo=UTC) + timedelta(days=4)
        if month_ends < context.now - retention.TOMBSTONES:
            path.unlink()
            deleted += 1
    return deleted


def _erasure(row: Row) -> Erasure:
    return Erasure(ErasureKind(row.kind), row.appeal_id, row.address_digest, row.signed_at, row.happened_at)


def _append_to_files(folder: Path, erasures: list[Erasure], vault: Vault) -> None:
    """Append each erasure to the file of its month. Raises OSError."""
    by_month: dict[str, list[str]] = {}
    for erasure in erasures:
        by_month.setdefault(f"{erasure.happened_at.astimezone(UTC):%Y-%m}", []).append(erasure.as_line(vault))
    for month, lines in by_month.items():
        folder.mkdir(parents=True, exist_ok=True)
        _append_lines(folder / f"{month}.journal", "".join(f"{line}\n" for line in lines).encode())
        _sync_folder(folder)


def _append_lines(path: Path, content: bytes) -> None:
    """Append the lines to the file, which is locked meanwhile, and wait for the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "rb+", buffering=0) as file:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        # A process that crashed while writing a line has not deleted its row, so the incomplete line is cut off.
        tail = os.pread(descriptor, min(size, 4096), max(0, size - 4096))
        complete_size = size - len(tail) + tail.rfind(b"\n") + 1
        if complete_size != size:
            os.ftruncate(descriptor, complete_size)
        if file.write(content) != len(content):
            os.ftruncate(descriptor, complete_size)
            raise OSError(f"{path} took only part of what was written")
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Wait until the folder's entry of a new file is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _signature_ids(erasures: Iterable[Erasure], vault: Vault) -> dict[bytes, int]:
    """Return the ids of the signatures to which the erasures apply, by their digests in the files."""
    erased = {erasure.address_digest for erasure in erasures}
    ids: dict[bytes, int] = {}
    for appeal_id in sorted({erasure.appeal_id for erasure in erasures}):
        statement = select(Signature.id, Signature.address_digest).where(
            Signature.appeal_id == appeal_id, Signature.address_digest.is_not(None)
        )
        for signature_id, digest in db.session.execute(statement.execution_options(yield_per=_ROWS_A_FETCH)):
            journal_digest = vault.journal_digest(bytes(digest or b""))
            if journal_digest in erased:
                ids[journal_digest] = signature_id
    db.session.rollback()
    return ids


def _erase_waiting_forms(erasures: Iterable[Erasure], vault: Vault) -> None:
    """Delete the forms, with their keys, and the sheet rows that waited on any appeal when their address was erased."""
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
                    delete_sheet_rows(session, [row.address_digest], erasure.happened_at, vault)
                elif row.signed_at <= erasure.happened_at:
                    erase_keys(session, [row.origin_sealed], vault, on=erasure.happened_at.date())
                    session.delete(row)
                    break


def _replay_batch(batch: list[Erasure], ids: dict[bytes, int], vault: Vault) -> Iterator[str]:
    """Repeat a batch of erasures in one transaction; yield the kind of each that changed something."""
    with transaction() as session:
        locked_ids = sorted({ids[erasure.address_digest] for erasure in batch if erasure.address_digest in ids})
        statement = (
            select(Signature)
            .where(Signature.id.in_(locked_ids))
            .order_by(Signature.id)
            .with_for_update(**NO_KEY_UPDATE)
        )
        rows = {row.id: row for row in session.scalars(statement)}
        for erasure in batch:
            row = rows.get(ids.get(erasure.address_digest, 0))
            if row is None or row.appeal_id != erasure.appeal_id or row.signed_at > erasure.signed_at:
                continue
            if _repeat_erasure(session, row, erasure, vault):
                yield erasure.kind.value
                if erasure.kind in _EMPTYING_KINDS:
                    del rows[row.id]


def _repeat_erasure(session: Session, row: Signature, erasure: Erasure, vault: Vault) -> bool:
    """Repeat one erasure on its signature; return whether anything changed."""
    if erasure.kind == ErasureKind.ERASED:
        erase_row(session, row, erasure.happened_at, vault)
        return True
    if erasure.kind == ErasureKind.WITHDRAWN:
        return withdraw_row(session, row, erasure.happened_at, vault)
    # A consent that was given after the erasure stays. Only its hour is stored: within the same hour the erasure
    # prevails.
    if last_consent(session, row).given_at > erasure.happened_at:
        return False
    if erasure.kind == ErasureKind.ADDRESS_CHANGED:
        # The new address is not known here, and the old mailbox may belong to another person by now.
        erase_row(session, row, erasure.happened_at, vault)
        return True
    if erasure.kind == ErasureKind.UPDATES_ENDED and row.wants_updates:
        end_updates(session, row, erasure.happened_at)
        return True
    if erasure.kind == ErasureKind.SHARING_ENDED and row.shares_name:
        set_name_sharing(session, row, erasure.happened_at, vault, is_wanted=False)
        return True
    return False
