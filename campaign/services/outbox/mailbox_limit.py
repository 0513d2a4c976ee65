"""The daily limit of mails that a mailbox gets because its address was typed.

A stranger who types the address cannot use up the owner's mails. Only mails that have left count. An address that has
confirmed within a day has a much higher limit. Links that must wait are put into the next mail, so that none is lost.
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
from campaign.domain.outbox.mailbox_limit import DAILY_LIMITS
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import Address
from campaign.models import Mail, MailboxLimit
from campaign.platform.database.combined_statement import Write

WINDOW = timedelta(days=1)
# Time, mail id, digest of the spelling of the address, and flags (requested links, an address with a +tag).
_ENTRY = struct.Struct(">dQ4sB")
_REQUESTED, _TAGGED = 1, 2
_MOST_ENTRIES = 64
_CONTENT_LENGTH = _ENTRY.size * _MOST_ENTRIES
_PROOF = struct.Struct(">d")
# Mails in these states were not sent, and do not count.
_NOT_SENT = {MailState.QUEUED, MailState.RETRY, MailState.DEAD, MailState.SUPPRESSED}
_UPSERTS = {
    module.dialect.name: module.insert(MailboxLimit).on_conflict_do_update(
        index_elements=["digest"],
        set_={name: module.insert(MailboxLimit).excluded[name] for name in ("content", "month")},
    )
    for module in (postgresql, sqlite)
}
# Locks the mailboxes until the transaction ends, so that each worker sees the decisions of the worker before it. The
# locks are taken in the order of their numbers, so that two workers never deadlock. SQLite needs no lock: it has one
# writer at a time.
_LOCK_MAILBOXES = text("SELECT pg_advisory_xact_lock(mailbox) FROM unnest(:mailboxes) AS mailbox").bindparams(
    bindparam("mailboxes", type_=ARRAY(BigInteger))
)
_FIND_ROWS = select(MailboxLimit.digest, MailboxLimit.content).where(
    MailboxLimit.digest.in_(bindparam("digests", expanding=True))
)
_FIND_STATES = select(Mail.id, Mail.state, Mail.ambiguous).where(Mail.id.in_(bindparam("mails", expanding=True)))


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that has left or is about to leave."""

    began_at: datetime
    mail_id: int
    spelling: bytes
    is_requested: bool
    has_tag: bool


@dataclass(frozen=True, slots=True)
class MailboxAllowance:
    """The number of mails that a mailbox may get now. Where it is 0 or less, `until` is the time to wait for."""

    remaining: int
    until: datetime


def proof_write(dialect: str, address: Address, *, now: datetime, vault: Vault) -> Write:
    """Return the write that stores that the address has confirmed a sign-up. It needs no read."""
    digest = vault.limit_digest("proven", address.identity)
    content = vault.seal_limit(_PROOF.pack(now.timestamp()).ljust(_CONTENT_LENGTH, b"\0"), digest)
    return _UPSERTS[dialect], {"digest": digest, "content": content, "month": _month(now)}


class MailboxLimits:
    """The limits of some mailboxes, which are read together and locked until the transaction ends."""

    def __init__(self, session: Session, addresses: Iterable[Address], vault: Vault, now: datetime) -> None:
        """Lock and read the mailboxes of `addresses`. `now` is the database's time."""
        self._session, self._vault, self._now = session, vault, now
        mailboxes = {address.mailbox: vault.limit_digest("mailbox", address.mailbox) for address in addresses}
        proofs = {address.identity: vault.limit_digest("proven", address.identity) for address in addresses}
        self._sent: dict[str, list[SentMail]] = {}
        self._proven: dict[str, datetime] = {}
        if not mailboxes:
            return
        if session.connection().dialect.name == "postgresql":
            numbers = sorted({int.from_bytes(digest[:8], "big", signed=True) for digest in mailboxes.values()})
            session.execute(_LOCK_MAILBOXES, {"mailboxes": numbers})
        rows: Mapping[bytes, bytes] = {
            bytes(digest): bytes(content)
            for digest, content in session.execute(_FIND_ROWS, {"digests": [*mailboxes.values(), *proofs.values()]})
        }
        for mailbox, digest in mailboxes.items():
            self._sent[mailbox] = self._unpack(rows.get(digest), digest)
        for identity, digest in proofs.items():
            content = self._decrypt(rows.get(digest), digest)
            if content:
                self._proven[identity] = datetime.fromtimestamp(_PROOF.unpack_from(content)[0], UTC)

    def allowance(self, address: Address, *, created_at: datetime, is_requested: bool) -> MailboxAllowance:
        """Return how many mails may go to the address now, for a mail that was enqueued at `created_at`.

        Requested links have a separate limit. An address that has confirmed is counted alone, so that no other
        spelling of its mailbox uses up its limit. All spellings of a mailbox that have not confirmed are counted
        together. Of these, spellings with a tag always leave one mail to those without: the owner's address may have
        dots, but has no tag. At a server that does not ignore dots, an address with other dots does not exist, so mails
        to it are refused and do not count.
        """
        sent = [mail for mail in self._sent.get(address.mailbox, []) if mail.is_requested == is_requested]
        spelling = self._spelling(address.identity)
        limit = DAILY_LIMITS.requested_links if is_requested else DAILY_LIMITS.unproven
        pools = [(sent, limit)]
        if address.identity in self._proven:
            if not is_requested and abs(created_at - self._proven[address.identity]) < WINDOW:
                limit = DAILY_LIMITS.proven
            pools = [([mail for mail in sent if mail.spelling == spelling], limit)]
        elif address.has_tag:
            pools.append(([mail for mail in sent if mail.has_tag], limit - 1))
        allowances = [self._remaining(address.mailbox, pool, limit) for pool, limit in pools]
        return min(allowances, key=lambda allowance: (allowance.remaining, -allowance.until.timestamp()))

    def was_mailed_lately(self, address: Address) -> bool:
        """Return whether the sending of any mail to the mailbox began within the last day."""
        return bool(self._sent.get(address.mailbox))

    def record_mail(self, address: Address, mail_id: int, *, is_requested: bool) -> None:
        """Count a mail that is about to leave. A mail that does not leave after all stops counting later."""
        leaving = SentMail(self._now, mail_id, self._spelling(address.identity), is_requested, address.has_tag)
        other_mails = [mail for mail in self._sent.get(address.mailbox, []) if mail.mail_id != mail_id]
        self._sent[address.mailbox] = [*other_mails, leaving][-_MOST_ENTRIES:]
        digest = self._vault.limit_digest("mailbox", address.mailbox)
        packed = b"".join(
            _ENTRY.pack(
                mail.began_at.timestamp(),
                mail.mail_id,
                mail.spelling,
                _REQUESTED * mail.is_requested + _TAGGED * mail.has_tag,
            )
            for mail in self._sent[address.mailbox]
        )
        row = {"digest": digest, "content": self._vault.seal_limit(packed.ljust(_CONTENT_LENGTH, b"\0"), digest)}
        connection = self._session.connection()
        connection.execute(_UPSERTS[connection.dialect.name], row | {"month": _month(self._now)})

    def _remaining(self, mailbox: str, pool: list[SentMail], limit: int) -> MailboxAllowance:
        """Return the allowance after the mails of the pool.

        The states of the mails are read only where the limit seems to be reached, which saves most queries.
        """
        if len(pool) >= limit:
            pool = self._without_unsent(mailbox, pool)
        remaining = limit - len(pool)
        return MailboxAllowance(
            remaining, self._now if remaining > 0 else sorted(mail.began_at for mail in pool)[-limit] + WINDOW
        )

    def _spelling(self, identity: str) -> bytes:
        return self._vault.limit_digest("spelling", identity)[:4]

    def _without_unsent(self, mailbox: str, sent: list[SentMail]) -> list[SentMail]:
        """Return the mails without those that did not leave after all, because they were refused or must be retried."""
        rows = self._session.execute(_FIND_STATES, {"mails": [mail.mail_id for mail in sent]})
        unsent = {mail_id for mail_id, state, ambiguous in rows if state in _NOT_SENT and not ambiguous}
        # Mails that this transaction has begun are marked as being sent only at its end.
        unsent -= {mail.mail_id for mail in sent if mail.began_at == self._now}
        self._sent[mailbox] = [mail for mail in self._sent[mailbox] if mail.mail_id not in unsent]
        return [mail for mail in sent if mail.mail_id not in unsent]

    def _unpack(self, sealed: bytes | None, digest: bytes) -> list[SentMail]:
        """Return the mails of the last day in the sealed content of a row."""
        entries = _ENTRY.iter_unpack(self._decrypt(sealed, digest))
        sent = [
            SentMail(
                datetime.fromtimestamp(time, UTC), mail_id, spelling, bool(flags & _REQUESTED), bool(flags & _TAGGED)
            )
            for time, mail_id, spelling, flags in entries
            if time
        ]
        return [mail for mail in sent if mail.began_at > self._now - WINDOW]

    def _decrypt(self, sealed: bytes | None, digest: bytes) -> bytes:
        """Return the content of a row; empty where there is no row, or it cannot be decrypted."""
        try:
            return self._vault.open_limit(sealed, digest) if sealed else b""
        except CipherError:
            return b""  # the row was changed from outside: the mailbox then counts as one without mails


def _month(now: datetime) -> date:
    return now.date().replace(day=1)
