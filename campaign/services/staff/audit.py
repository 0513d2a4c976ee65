"""The audit log: adding to the chain, and proving that nothing was changed or taken out.

Each entry's digest is an HMAC over its content and the seal of the one before; only the newest one's seal is stored. So
who can write to the database but has not the keys can neither make the chain fit again nor let it end earlier.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
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
_NOTE = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """The content of an entry. `section` None: it concerns all. The context says who acted, and when."""

    act: str
    subject: str
    section: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None
    # Before and after are what everybody may read, such as a minister's address; else addresses are left out of them.
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest entry at one time, to be noted outside the database: as text `number:digest in hex`."""

    number: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.digest.hex()}"

    @classmethod
    def read(cls, text: str) -> ChainHead:
        """From its text. Raises InputError (`head`)."""
        found = _NOTE.fullmatch(text.strip().lower())
        if found is None:
            raise InputError("head", "not-a-head", "a noted head is NUMBER:HASH as `flask audit verify` prints it")
        return cls(int(found[1]), bytes.fromhex(found[2]))


@dataclass(frozen=True, slots=True)
class ChainProof:
    """What `verify` found: how many entries, the newest, the first that does not fit; if the noted one is missing."""

    entries: int
    head: ChainHead
    broken_at: int | None
    is_noted_missing: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing was changed, put in or taken out."""
        return self.broken_at is None and not self.is_noted_missing


def append(session: Session, act: AuditRecord, *, context: Context) -> None:
    """Adds the entry in the transaction of the act itself: either both are there or none.

    What reads like a mail address is left out: the log outlives the data of supporters. A head that does not fit stops
    nobody's work: the entry covers the seal as it was found, so that `verify` sees it ever after.
    """
    head = session.get(AuditHead, 1, with_for_update=True, populate_existing=True)
    if head is None:
        raise LookupError("the audit log has no head: was the database migrated?")
    act = replace(act, reason=without_addresses(act.reason) if act.reason else None)
    entry = AuditEntry(
        id=head.entry_id + 1,
        at=context.now,
        actor=context.actor.kind.value,
        staff_id=context.actor.staff_id,
        section_code=act.section,
        act=act.act,
        subject=act.subject,
        before=_plain(act.before, is_public=act.is_public),
        after=_plain(act.after, is_public=act.is_public),
        reason=act.reason,
    )
    entry.digest = context.vault.entry_digest(head.seal, _content(entry))
    session.add(entry)
    head.entry_id, head.seal = entry.id, context.vault.head_seal(entry.id, entry.digest)


def without_addresses(text: str) -> str:
    """The text with what reads like a mail address left out."""
    return _ADDRESS.sub("[…]", text)


def verify(*, vault: Vault, noted: ChainHead | None = None) -> ChainProof:
    """Walks the whole chain, in bounded memory; `noted` is a head of an earlier time, which must still be in it."""
    session = db.session()
    previous, number, broken = _START, 0, None
    is_missing = noted is not None and noted != ChainHead(0, _START)
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)):
        if broken is None and (entry.id != number + 1 or not _fits(entry, number, previous, vault)):
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


def _fits(entry: AuditEntry, number: int, previous: bytes, vault: Vault) -> bool:
    """Return whether it was written after the entry with that number and digest: nobody can say so without the keys."""
    return entry.digest == vault.entry_digest(vault.head_seal(number, previous), _content(entry))


def _plain(values: dict[str, Any] | None, *, is_public: bool) -> Any:
    """As JSON will give it back: so the digest of what is read is that of what was written."""
    plain = json.loads(json.dumps(values, ensure_ascii=False, default=str))
    return plain if is_public else _without_addresses(plain)


def _without_addresses(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_addresses(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_addresses(one) for one in value]
    return _ADDRESS.sub("[…]", value) if isinstance(value, str) else value


def _content(entry: AuditEntry) -> bytes:
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
    # Entries from before the log named the kind of actor have none, and their digest covers none.
    if entry.actor is not None:
        fields.append(entry.actor)
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
