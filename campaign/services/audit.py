"""The audit log: adding to the chain, and proving that nothing was changed or taken out.

Each entry's digest is an HMAC over its content and the digest before it, so that somebody who can write to the
database but has not the keys cannot make the chain fit again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.cipher import Vault
from campaign.extensions import db
from campaign.models import AuditEntry, AuditHead

_START = bytes(32)
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")


@dataclass(frozen=True, slots=True)
class Act:
    """What is written down. `staff_id` None: a command on the server, or a job; `section` None: all sections."""

    act: str
    subject: str
    staff_id: int | None
    section: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None
    # Before and after are what everybody may read, such as a minister's address; else addresses are left out of them.
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What `verify` found: how many entries, the newest one's digest, and the first entry that does not fit."""

    entries: int
    head: str
    broken_at: int | None


def append(session: Session, act: Act, *, now: datetime, vault: Vault) -> None:
    """Adds the entry in the transaction of the act itself: either both are there or none.

    What reads like a mail address is left out: the log outlives the data of supporters.
    """
    head = session.get(AuditHead, 1, with_for_update=True, populate_existing=True)
    if head is None:
        raise LookupError("the audit log has no head: was the database migrated?")
    act = replace(act, reason=without_addresses(act.reason) if act.reason else None)
    entry = AuditEntry(
        id=head.entry_id + 1,
        at=now,
        staff_id=act.staff_id,
        section_code=act.section,
        act=act.act,
        subject=act.subject,
        before=_plain(act.before, is_public=act.is_public),
        after=_plain(act.after, is_public=act.is_public),
        reason=act.reason,
    )
    entry.digest = vault.chain_digest(head.digest, _content(entry))
    session.add(entry)
    head.entry_id, head.digest = entry.id, entry.digest


def without_addresses(text: str) -> str:
    """The text with what reads like a mail address left out."""
    return _ADDRESS.sub("[…]", text)


def verify(*, vault: Vault) -> Proof:
    """Walks the whole chain, in bounded memory."""
    session = db.session()
    previous, number, broken = _START, 0, None
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)):
        number += 1
        expected = vault.chain_digest(previous, _content(entry))
        if broken is None and (entry.id != number or entry.digest != expected):
            broken = number
        previous = entry.digest
        session.expunge(entry)
    head = session.get(AuditHead, 1, populate_existing=True)
    if broken is None and (head is None or head.entry_id != number or head.digest != previous):
        broken = number + 1
    session.rollback()
    return Proof(number, previous.hex(), broken)


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
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
