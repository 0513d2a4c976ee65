"""The claim of due mails under a lease, from each domain in turn, so that a long queue delays no other domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from campaign.domain.outbox.mail_state import BATCH_LEASE
from campaign.models import Mail
from campaign.platform.database.clock import DatabaseClock
from campaign.services.delivery.due_mail import DUE_MAILS, DUE_MAILS_OF_DOMAINS, LEASE_MAILS, NEXT_DOMAINS

# The number of domains that one claim looks at; the next claim continues after them.
_DOMAINS_A_CLAIM = 64
_NOW = select(DatabaseClock())


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A claimed mail with its fence, a number that each new claim of the mail increments."""

    id: int
    fence: int
    domain: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim: the claimed mails, and the last domain, after which the next claim continues.

    `is_whole_round` is true where it looked at all domains, `is_limited` where due mails were not claimed because their
    domain had reached its limit.
    """

    mails: list[ClaimedMail]
    last_domain: bytes
    is_whole_round: bool
    is_limited: bool


def database_now(session: Session) -> datetime:
    """Return the time of the database's clock, which all workers share; their own clocks may differ."""
    now: datetime = session.execute(_NOW).scalar_one()
    return now


def claim(
    session: Session, now: datetime, *, after: bytes, capacity: int, domain_limit: Callable[[bytes], int]
) -> Claim:
    """Claim up to `capacity` due mails, at most `domain_limit(domain)` of each domain, of the domains after `after`.

    No domain is served twice before each domain with due mails was served once.
    """
    visited, is_whole_round = _visit_domains(session, now, after)
    due_domains = [domain for domain, is_due in visited if is_due]
    limits = {domain: limit for domain in due_domains if (limit := domain_limit(domain)) > 0}
    share = -(-capacity // max(1, len(limits)))
    last_domain = b"" if is_whole_round or not visited else visited[-1][0]
    quotas: list[tuple[bytes, int]] = []
    for domain, limit in limits.items():
        if capacity <= 0:
            break
        quotas.append((domain, min(limit, share, capacity)))
        capacity -= quotas[-1][1]
        last_domain = domain
    return Claim(
        _lease(session, now, _find_due(session, now, quotas)),
        last_domain,
        is_whole_round,
        len(limits) < len(due_domains),
    )


def _find_due(session: Session, now: datetime, quotas: list[tuple[bytes, int]]) -> list[int]:
    """Return the ids of the first due mails of each domain, up to its quota, in the order of the domains."""
    if not quotas:
        return []
    # SQLite has no lateral join; there one query for each domain costs no round trip.
    if session.connection().dialect.name == "sqlite":
        parameters = [{"domain": domain, "most": limit, "now": now} for domain, limit in quotas]
        return [mail_id for values in parameters for mail_id in session.scalars(DUE_MAILS, values)]
    domains, limits = zip(*quotas, strict=True)
    values = {"domains": list(domains), "most": list(limits), "now": now}
    return list(session.scalars(DUE_MAILS_OF_DOMAINS, values))


def _visit_domains(session: Session, now: datetime, after: bytes) -> tuple[list[tuple[bytes, bool]], bool]:
    """Return the next domains with queued mails, each with whether any is due, and whether these are all domains."""
    rows = session.execute(NEXT_DOMAINS, {"after": after, "domains": _DOMAINS_A_CLAIM, "now": now}).all()
    if len(rows) < _DOMAINS_A_CLAIM and after:
        from_start = {"after": b"", "domains": _DOMAINS_A_CLAIM - len(rows), "now": now}
        rows = [*rows, *session.execute(NEXT_DOMAINS, from_start)]
    visited = dict(rows)
    return list(visited.items()), len(rows) < _DOMAINS_A_CLAIM or len(visited) < len(rows)


def _lease(session: Session, now: datetime, ids: list[int]) -> list[ClaimedMail]:
    """Lease the mails, and return them in the order of the ids."""
    if not ids:
        return []
    rows = session.execute(LEASE_MAILS, {"mails": ids, "until": now + BATCH_LEASE})
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
    """Set the lease of the mails that are still claimed under their fence and wait."""
    for mail in claimed:
        is_claimed = Mail.id == mail.id, Mail.fence == mail.fence, text("mail.state IN ('queued', 'retry')")
        session.execute(
            update(Mail).where(*is_claimed).values(lease_until=until).execution_options(synchronize_session=False)
        )
