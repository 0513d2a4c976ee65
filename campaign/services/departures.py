"""Keeping who left out of a restored backup: departures go into files that outlive the database, and are replayed.

A row is written in the transaction of the act itself; a worker moves it into the month's file within a second.
A file is appended to by one process at a time; what a crash left half-written is still a row, and written again.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaign.domain import retention
from campaign.domain.cipher import Vault
from campaign.domain.departure import Departure, DepartureError, DepartureKind, read_departure
from campaign.extensions import db
from campaign.extensions.locks import KEYS_STAY
from campaign.models import Departure as Row
from campaign.models import Signature
from campaign.services.signature import last_consent
from campaign.services.transaction import transaction
from campaign.services.unsubscribe import end_updates
from campaign.services.withdraw import erase_row, forget_rows, share_name, withdraw_row

BATCH = 500
_FILE = re.compile(r"(\d{4})-(\d{2})\.departures")


@dataclass(frozen=True, slots=True)
class Written:
    """What the files of a folder say, and which lines of them cannot be believed."""

    departures: tuple[Departure, ...]
    damaged: tuple[str, ...]


def write_out(folder: Path, *, vault: Vault, turning: Callable[[], None] = lambda: None) -> int:
    """Moves what waits into the folder's files, with a call of `turning` after each batch; returns how many.

    Raises OSError; then it waits on.
    """
    waiting = db.session.execute(select(Row.id).limit(1)).first()
    db.session.rollback()
    moved = 0
    while waiting is not None:
        with transaction() as session:
            rows = session.scalars(
                select(Row).order_by(Row.id).limit(BATCH).with_for_update(skip_locked=True, **KEYS_STAY)
            ).all()
            _append(folder, [_departure(row) for row in rows], vault)
            session.execute(delete(Row).where(Row.id.in_([row.id for row in rows])))
        moved += len(rows)
        if len(rows) < BATCH:
            break
        turning()
    return moved


def read_folder(folder: Path, *, vault: Vault) -> Written:
    """Everything that the folder's files say, the oldest first. A folder that is not there says nothing."""
    found: list[Departure] = []
    damaged: list[str] = []
    for path in sorted(folder.glob("*.departures")):
        for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), 1):
            try:
                found.append(read_departure(line, vault))
            except DepartureError as error:
                damaged.append(f"{path}, line {number}: {error}")
    return Written(tuple(sorted(found, key=lambda one: one.at)), tuple(damaged))


def replay(departures: Iterable[Departure]) -> Counter[str]:
    """Lets everybody leave again whom a backup brought back; returns how many of each kind. Repeating it changes
    nothing, and who signed again after leaving stays."""
    done: Counter[str] = Counter()
    remaining = iter(departures)
    while batch := list(islice(remaining, BATCH)):
        done.update(_replay(batch))
    return done


def forget(folder: Path, *, now: datetime) -> int:
    """Deletes the files of months so long ago that no backup from before them may be kept; returns how many."""
    gone = 0
    for path in sorted(folder.glob("*.departures")):
        name = _FILE.fullmatch(path.name)
        if name is None:
            continue
        month_ends = datetime(int(name[1]), int(name[2]), 28, tzinfo=UTC) + timedelta(days=4)
        if month_ends < now - retention.TOMBSTONES:
            path.unlink()
            gone += 1
    return gone


def _departure(row: Row) -> Departure:
    return Departure(DepartureKind(row.kind), row.appeal_id, row.address_digest, row.signed_at, row.at)


def _append(folder: Path, departures: list[Departure], vault: Vault) -> None:
    by_month: dict[str, list[str]] = {}
    for one in departures:
        by_month.setdefault(f"{one.at.astimezone(UTC):%Y-%m}", []).append(one.as_line(vault))
    for month, lines in by_month.items():
        folder.mkdir(parents=True, exist_ok=True)
        _append_lines(folder / f"{month}.departures", "".join(f"{line}\n" for line in lines).encode())
        _sync_folder(folder)


def _append_lines(path: Path, content: bytes) -> None:
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(number, "rb+", buffering=0) as file:
        fcntl.flock(number, fcntl.LOCK_EX)
        size = os.fstat(number).st_size
        # Whoever crashed in the middle of a line has not deleted its row.
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


def _replay(batch: list[Departure]) -> Iterator[str]:
    with transaction() as session:
        for one in batch:
            if one.kind == DepartureKind.ERASED:
                forget_rows(session, one.address_digest, one.at)
        digests = {one.address_digest for one in batch}
        rows = session.scalars(
            select(Signature).where(Signature.address_digest.in_(digests)).with_for_update(**KEYS_STAY)
        ).all()
        known = {(row.appeal_id, row.address_digest): row for row in rows}
        for one in batch:
            row = known.get((one.appeal_id, one.address_digest))
            if row is not None and row.signed_at <= one.signed_at and _leave(session, row, one):
                yield one.kind.value
            if one.kind == DepartureKind.ERASED and row is not None and row.signed_at <= one.signed_at:
                del known[one.appeal_id, one.address_digest]


def _leave(session: Session, row: Signature, one: Departure) -> bool:
    if one.kind == DepartureKind.ERASED:
        erase_row(session, row, one.at)
        return True
    if one.kind == DepartureKind.WITHDRAWN:
        return withdraw_row(session, row, one.at)
    # Who has agreed to something since, keeps what was agreed to last.
    if last_consent(session, row).given_at > one.at:
        return False
    if one.kind == DepartureKind.UPDATES_ENDED and row.wants_updates:
        end_updates(session, row, one.at)
        return True
    if one.kind == DepartureKind.SHARING_ENDED and row.shares_name:
        share_name(session, row, one.at, wanted=False)
        return True
    return False
