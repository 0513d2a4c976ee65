"""The audit log: appending to its chain, and verifying that no entry was changed or removed.

The digest of an entry is an HMAC over its content and the seal of the entry before it. Only the newest entry's seal is
stored. An attacker who can write to the database but has no keys can neither repair nor shorten the chain.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.errors import InputError
from campaign.domain.privacy.cipher import Vault
from campaign.models import AuditEntry, AuditHead
from campaign.platform import db
from campaign.platform.context import Context

_START = bytes(32)
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_NOTED_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """The content of an entry. `section` None means all sections. The context has the actor and the time."""

    act: str
    subject: str
    section: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None
    # Whether `before` and `after` are public, such as a minister's address. If not, mail addresses in them are removed.
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest entry at some time, which operators note outside the database; as text `number:digest in hex`."""

    number: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.digest.hex()}"

    @classmethod
    def read(cls, text: str) -> ChainHead:
        """Return the head that the text denotes. Raises InputError (`head`)."""
        match = _NOTED_HEAD.fullmatch(text.strip().lower())
        if match is None:
            raise InputError("head", "not-a-head", "a noted head is NUMBER:HASH as `flask audit verify` prints it")
        return cls(int(match[1]), bytes.fromhex(match[2]))


@dataclass(frozen=True, slots=True)
class ChainProof:
    """The result of `verify`: the number of entries, the newest one, and whether the noted head is missing.

    `broken_at` is the number of the first invalid entry; None if all are valid.
    """

    entries: int
    head: ChainHead
    broken_at: int | None
    is_noted_missing: bool = False

    @property
    def holds(self) -> bool:
        """Return whether no entry was changed, inserted or removed."""
        return self.broken_at is None and not self.is_noted_missing


def append(session: Session, record: AuditRecord, *, context: Context) -> None:
    """Append the entry in the transaction of the act itself: both are stored, or neither.

    Mail addresses are removed, because the log is stored longer than the data of supporters. An invalid head does not
    prevent the act: the entry covers the seal as it is stored, so that every later `verify` reports it. Raises
    LookupError (no head: the database was not migrated).
    """
    head = session.get(AuditHead, 1, with_for_update=True, populate_existing=True)
    if head is None:
        raise LookupError("the audit log has no head: was the database migrated?")
    reason = without_addresses(record.reason) if record.reason else None
    entry = AuditEntry(
        id=head.entry_id + 1,
        at=context.now,
        actor=context.actor.kind.value,
        staff_id=context.actor.staff_id,
        section_code=record.section,
        act=record.act,
        subject=record.subject,
        before=_json_values(record.before, is_public=record.is_public),
        after=_json_values(record.after, is_public=record.is_public),
        reason=reason,
    )
    entry.digest = context.vault.entry_digest(head.seal, _content(entry))
    session.add(entry)
    head.entry_id, head.seal = entry.id, context.vault.head_seal(entry.id, entry.digest)


def without_addresses(text: str) -> str:
    """Return the text with mail addresses replaced by […]."""
    return _ADDRESS.sub("[…]", text)


def verify(*, vault: Vault, noted: ChainHead | None = None) -> ChainProof:
    """Verify the whole chain in bounded memory and return the result; `noted` is an earlier head to look for in it."""
    session = db.session()
    previous, number, broken = _START, 0, None
    is_missing = noted is not None and noted != ChainHead(0, _START)
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)):
        if broken is None and (entry.id != number + 1 or not _is_next(entry, number, previous, vault)):
            broken = number + 1
        number, previous = number + 1, entry.digest
        if noted == ChainHead(entry.id, entry.digest):
            is_missing = False
        session.expunge(entry)
    head = session.get(AuditHead, 1, populate_existing=True)
    seal = vault.head_seal(number, previous)
    if broken is None and (head is None or head.entry_id != number or head.seal != seal):
        broken = number + 1
    session.rollback()
    return ChainProof(number, ChainHead(number, previous), broken, is_missing)


def _is_next(entry: AuditEntry, number: int, previous: bytes, vault: Vault) -> bool:
    """Return whether the entry's digest proves that it was appended after the entry with that number and digest."""
    return entry.digest == vault.entry_digest(vault.head_seal(number, previous), _content(entry))


def _json_values(values: dict[str, Any] | None, *, is_public: bool) -> Any:
    """Return the values as they are after storing as JSON, so that `verify` computes the same digest.

    Mail addresses are removed unless the values are public.
    """
    stored = json.loads(json.dumps(values, ensure_ascii=False, default=str))
    return stored if is_public else _without_addresses(stored)


def _without_addresses(value: Any) -> Any:
    """Return the JSON value with mail addresses in all its texts replaced by […]."""
    if isinstance(value, dict):
        return {name: _without_addresses(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    return _ADDRESS.sub("[…]", value) if isinstance(value, str) else value


def _content(entry: AuditEntry) -> bytes:
    """Return the bytes that the entry's digest covers."""
    fields = [
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        entry.staff_id,
        entry.section_code,
        entry.act,
        entry.subject,
        entry.before,
        entry.after,
        entry.reason,
    ]
    # Old entries have no kind of actor, and their digests do not cover it.
    if entry.actor is not None:
        fields.append(entry.actor)
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
