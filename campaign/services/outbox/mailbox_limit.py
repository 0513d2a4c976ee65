"""How much mail one mailbox gets because somebody typed its address.

What a stranger can use up is never the owner's: only mail that left counts, an address that has confirmed lately is
limited no more than it takes to stop a machine, and what waits is gathered into the next mail, so nothing is lost.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, bindparam, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.outbox.mailbox_limit import DAILY
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address
from campaign.models import Mail, MailboxLimit
from campaign.platform.database.any_of_ids import any_of_ids
from campaign.platform.database.combined_statement import Write

WINDOW = timedelta(days=1)
# When, of which mail, to which spelling of the mailbox, and the marks: of links that were asked for, of a +tag.
_ENTRY = struct.Struct(">dQ4sB")
_ASKED, _TAGGED = 1, 2
_ENTRIES = 64
_LENGTH = _ENTRY.size * _ENTRIES
_PROVEN = struct.Struct(">d")
# Not sent, whatever was intended: these count nothing.
_NOT_SENT = {MailState.QUEUED, MailState.RETRY, MailState.DEAD, MailState.SUPPRESSED}
_UPSERT = {
    module.dialect.name: module.insert(MailboxLimit).on_conflict_do_update(
        index_elements=["digest"],
        set_={name: module.insert(MailboxLimit).excluded[name] for name in ("content", "month")},
    )
    for module in (postgresql, sqlite)
}
# Until the end of the transaction nobody else judges mails of these mailboxes: what they decide is seen afterwards.
# In the order of the numbers, so that two workers never wait for each other. SQLite has one writer anyway.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(mailbox) FROM unnest(:mailboxes) AS mailbox").bindparams(
    bindparam("mailboxes", type_=ARRAY(BigInteger))
)
_ROWS = select(MailboxLimit.digest, MailboxLimit.content).where(
    MailboxLimit.digest.in_(bindparam("digests", expanding=True))
)
_STATES = select(Mail.id, Mail.state, Mail.ambiguous).where(any_of_ids(Mail.id, "mails"))


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that left, or is about to."""

    at: datetime
    mail_id: int
    spelling: bytes
    is_asked: bool
    has_tag: bool


@dataclass(frozen=True, slots=True)
class MailboxAllowance:
    """How many mails may still go to the mailbox now; where none, until when to wait."""

    left: int
    until: datetime


def proving(dialect: str, address: Address, *, now: datetime, vault: Vault) -> Write:
    """Return the write that notes that somebody has confirmed from that address; nothing is read for it."""
    digest = vault.limit_digest("proven", address.identity)
    content = vault.seal_limit(_PROVEN.pack(now.timestamp()).ljust(_LENGTH, b"\0"), digest)
    return _UPSERT[dialect], {"digest": digest, "content": content, "month": _month(now)}


class MailboxLimits:
    """The mailboxes of some mails: read at once, and locked until the transaction ends."""

    def __init__(self, session: Session, addresses: Iterable[Address], vault: Vault, now: datetime) -> None:
        """`now` is the database's."""
        self._session, self._vault, self._now = session, vault, now
        mailboxes = {address.mailbox: vault.limit_digest("mailbox", address.mailbox) for address in addresses}
        proofs = {one.identity: vault.limit_digest("proven", one.identity) for one in addresses}
        self._sent: dict[str, list[SentMail]] = {}
        self._proven: dict[str, datetime] = {}
        if not mailboxes:
            return
        if session.connection().dialect.name == "postgresql":
            numbers = sorted({int.from_bytes(digest[:8], "big", signed=True) for digest in mailboxes.values()})
            session.execute(_ONE_AT_A_TIME, {"mailboxes": numbers})
        rows: Mapping[bytes, bytes] = {
            bytes(digest): bytes(content)
            for digest, content in session.execute(_ROWS, {"digests": [*mailboxes.values(), *proofs.values()]})
        }
        for mailbox, digest in mailboxes.items():
            self._sent[mailbox] = self._read(rows.get(digest), digest)
        for identity, digest in proofs.items():
            content = self._open(rows.get(digest), digest)
            if content:
                self._proven[identity] = datetime.fromtimestamp(_PROVEN.unpack_from(content)[0], UTC)

    def room(self, address: Address, *, owed_at: datetime, is_asked: bool) -> MailboxAllowance:
        """Return what may go to the address now. Links that were asked for have a limit of their own.

        An address that has confirmed has its own count, which no other spelling of the mailbox touches. All spellings
        of a mailbox that has proven nothing share one, of which those without a tag are always left a mail: an owner's
        address has dots and no tag, and other dots, where they are not ignored, are nobody's and count nothing.
        """
        sent = [one for one in self._sent.get(address.mailbox, []) if one.is_asked == is_asked]
        own = self._spelling(address.identity)
        most = DAILY.asked if is_asked else DAILY.strangers
        pools = [(sent, most)]
        if address.identity in self._proven:
            if not is_asked and abs(owed_at - self._proven[address.identity]) < WINDOW:
                most = DAILY.proven
            pools = [([one for one in sent if one.spelling == own], most)]
        elif address.has_tag:
            pools.append(([one for one in sent if one.has_tag], most - 1))
        rooms = [self._left(address.mailbox, pool, most) for pool, most in pools]
        return min(rooms, key=lambda room: (room.left, -room.until.timestamp()))

    def is_known(self, address: Address) -> bool:
        """Whether any mail was begun to the mailbox within the day."""
        return bool(self._sent.get(address.mailbox))

    def take(self, address: Address, mail_id: int, *, is_asked: bool) -> None:
        """Count a mail that is about to leave; one that does not leave after all counts nothing."""
        mine = SentMail(self._now, mail_id, self._spelling(address.identity), is_asked, address.has_tag)
        kept = [one for one in self._sent.get(address.mailbox, []) if one.mail_id != mail_id]
        self._sent[address.mailbox] = [*kept, mine][-_ENTRIES:]
        digest = self._vault.limit_digest("mailbox", address.mailbox)
        packed = b"".join(
            _ENTRY.pack(one.at.timestamp(), one.mail_id, one.spelling, _ASKED * one.is_asked + _TAGGED * one.has_tag)
            for one in self._sent[address.mailbox]
        )
        row = {"digest": digest, "content": self._vault.seal_limit(packed.ljust(_LENGTH, b"\0"), digest)}
        connection = self._session.connection()
        connection.execute(_UPSERT[connection.dialect.name], row | {"month": _month(self._now)})

    def _left(self, mailbox: str, pool: list[SentMail], most: int) -> MailboxAllowance:
        if len(pool) >= most:
            pool = self._delivered(mailbox, pool)
        left = most - len(pool)
        return MailboxAllowance(left, self._now if left > 0 else sorted(one.at for one in pool)[-most] + WINDOW)

    def _spelling(self, identity: str) -> bytes:
        return self._vault.limit_digest("spelling", identity)[:4]

    def _delivered(self, mailbox: str, sent: list[SentMail]) -> list[SentMail]:
        """Leave out what did not go out after all: refused, or tried again later."""
        found = self._session.execute(_STATES, {"mails": [one.mail_id for one in sent]})
        gone = {mail_id for mail_id, state, ambiguous in found if state in _NOT_SENT and not ambiguous}
        # What this very transaction has begun is marked as being sent at its end.
        gone -= {one.mail_id for one in sent if one.at == self._now}
        self._sent[mailbox] = [one for one in self._sent[mailbox] if one.mail_id not in gone]
        return [one for one in sent if one.mail_id not in gone]

    def _read(self, sealed: bytes | None, digest: bytes) -> list[SentMail]:
        entries = _ENTRY.iter_unpack(self._open(sealed, digest))
        sent = [
            SentMail(datetime.fromtimestamp(at, UTC), mail_id, spelling, bool(marks & _ASKED), bool(marks & _TAGGED))
            for at, mail_id, spelling, marks in entries
            if at
        ]
        return [one for one in sent if one.at > self._now - WINDOW]

    def _open(self, sealed: bytes | None, digest: bytes) -> bytes:
        try:
            return self._vault.open_limit(sealed, digest) if sealed else b""
        except CipherError:
            return b""  # changed by somebody: it limits nobody


def _month(now: datetime) -> date:
    return now.date().replace(day=1)
