"""The claim of due mails under a lease, by domain in turn, so that no domain waits behind the queue of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from campaign.domain.outbox.mail_state import BATCH_LEASE
from campaign.models import Mail
from campaign.platform.database.clock import DatabaseClock
from campaign.services.delivery.due import DUE, DUE_OF_EACH, LEASED, WALK

# The number of domains that one claim looks at; the next claim continues after them.
_DOMAINS = 64
_NOW = select(DatabaseClock())


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A claimed mail with its fence, the number that each new claim of the mail increases."""

    id: int
    fence: int
    domain: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim: the mails taken, and the domain after which the next claim continues.

    `is_whole_round` is true where it looked at all domains, `is_limited` where it left due mails of a domain that had
    reached its limit.
    """

    taken: list[ClaimedMail]
    after: bytes
    is_whole_round: bool
    is_limited: bool


def database_now(session: Session) -> datetime:
    """Return the time of the database's clock, which all workers share; their own clocks may differ."""
    now: datetime = session.execute(_NOW).scalar_one()
    return now


def claim(session: Session, now: datetime, *, after: bytes, room: int, most: Callable[[bytes], int]) -> Claim:
    """Claim up to `room` due mails, at most `most(domain)` of each domain, beginning after the domain `after`.

    Each domain with due mails is served once before any is served again, however long its queue.
    """
    visited, is_whole_round = _visit_domains(session, now, after)
    due = [domain for domain, is_ready in visited if is_ready]
    ready = {domain: limit for domain in due if (limit := most(domain)) > 0}
    share = -(-room // max(1, len(ready)))
    after = b"" if is_whole_round or not visited else visited[-1][0]
    quotas: list[tuple[bytes, int]] = []
    for domain, limit in ready.items():
        if room <= 0:
            break
        quotas.append((domain, min(limit, share, room)))
        room -= quotas[-1][1]
        after = domain
    return Claim(_lease(session, now, _find_due(session, now, quotas)), after, is_whole_round, len(ready) < len(due))


def _find_due(session: Session, now: datetime, quotas: list[tuple[bytes, int]]) -> list[int]:
    """Return the ids of the first due mails of each domain, up to its quota, in the order of the domains."""
    if not quotas:
        return []
    # SQLite has no lateral join; there one query for each domain costs no round trip.
    if session.connection().dialect.name == "sqlite":
        each = [{"domain": domain, "most": most, "now": now} for domain, most in quotas]
        return [mail_id for parameters in each for mail_id in session.scalars(DUE, parameters)]
    domains, most = zip(*quotas, strict=True)
    return list(session.scalars(DUE_OF_EACH, {"domains": list(domains), "most": list(most), "now": now}))


def _visit_domains(session: Session, now: datetime, after: bytes) -> tuple[list[tuple[bytes, bool]], bool]:
    """Return the next domains with mails in the queue, each with whether any is due, and whether these are all."""
    rows = session.execute(WALK, {"after": after, "domains": _DOMAINS, "now": now}).all()
    if len(rows) < _DOMAINS and after:
        rest = {"after": b"", "domains": _DOMAINS - len(rows), "now": now}
        rows = [*rows, *session.execute(WALK, rest)]
    visited = dict(rows)
    return list(visited.items()), len(rows) < _DOMAINS or len(visited) < len(rows)


def _lease(session: Session, now: datetime, ids: list[int]) -> list[ClaimedMail]:
    if not ids:
        return []
    rows = session.execute(LEASED, {"mails": ids, "until": now + BATCH_LEASE})
    claimed = [ClaimedMail(*row) for row in rows]
    order = {mail_id: position for position, mail_id in enumerate(ids)}
    return sorted(claimed, key=lambda mail: order[mail.id])


def renew(session: Session, claimed: Iterable[ClaimedMail], now: datetime) -> None:
    """Extend the lease of claimed mails whose sending has not begun, for instance while servers are slow."""
    _set_lease(session, claimed, now + BATCH_LEASE)


def release(session: Session, claimed: Iterable[ClaimedMail]) -> None:
    """End the lease of claimed mails whose sending has not begun, so that any worker may claim them."""
    _set_lease(session, claimed, None)


def _set_lease(session: Session, claimed: Iterable[ClaimedMail], until: datetime | None) -> None:
    for mail in claimed:
        is_claimed = Mail.id == mail.id, Mail.fence == mail.fence, text("mail.state IN ('queued', 'retry')")
        session.execute(
            update(Mail).where(*is_claimed).values(lease_until=until).execution_options(synchronize_session=False)
        )
