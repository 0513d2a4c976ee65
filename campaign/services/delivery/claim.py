"""Taking mails out of the queue under a lease, going round the domains so that none waits behind another's queue."""

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

# How many domains one claim looks at; the next one goes on behind them.
_DOMAINS = 64
_NOW = select(DatabaseClock())


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A claimed mail under its fence."""

    id: int
    fence: int
    domain: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, where the next claim goes on, whether this one went all the way round and left something due."""

    taken: list[ClaimedMail]
    after: bytes
    is_whole_round: bool
    is_limited: bool


def database_now(session: Session) -> datetime:
    """The database's clock, which all workers share; their own may differ."""
    now: datetime = session.execute(_NOW).scalar_one()
    return now


def claim(session: Session, now: datetime, *, after: bytes, room: int, most: Callable[[bytes], int]) -> Claim:
    """Takes up to `room` due mails, at most `most(domain)` of each domain, beginning behind the domain `after`.

    Each domain with something due gets its turn before any gets a second one, however long its queue.
    """
    visited, is_whole_round = _walk(session, now, after)
    due = [domain for domain, is_ready in visited if is_ready]
    ready = {domain: wanted for domain in due if (wanted := most(domain)) > 0}
    share = -(-room // max(1, len(ready)))
    after = b"" if is_whole_round or not visited else visited[-1][0]
    asked: list[tuple[bytes, int]] = []
    for domain, wanted in ready.items():
        if room <= 0:
            break
        asked.append((domain, min(wanted, share, room)))
        room -= asked[-1][1]
        after = domain
    return Claim(_lease(session, now, _take(session, now, asked)), after, is_whole_round, len(ready) < len(due))


def _take(session: Session, now: datetime, asked: list[tuple[bytes, int]]) -> list[int]:
    """The ids of the first due mails, at most so many of each domain, in the order of the domains."""
    if not asked:
        return []
    # SQLite knows no lateral join, and is asked without a way to go.
    if session.connection().dialect.name == "sqlite":
        each = [{"domain": domain, "most": most, "now": now} for domain, most in asked]
        return [mail_id for one in each for mail_id in session.scalars(DUE, one)]
    domains, most = zip(*asked, strict=True)
    return list(session.scalars(DUE_OF_EACH, {"domains": list(domains), "most": list(most), "now": now}))


def _walk(session: Session, now: datetime, after: bytes) -> tuple[list[tuple[bytes, bool]], bool]:
    """The next domains with anything in the queue, whether something of it is due, and whether these are all."""
    found = session.execute(WALK, {"after": after, "domains": _DOMAINS, "now": now}).all()
    if len(found) < _DOMAINS and after:
        rest = {"after": b"", "domains": _DOMAINS - len(found), "now": now}
        found = [*found, *session.execute(WALK, rest)]
    visited = dict(found)
    return list(visited.items()), len(found) < _DOMAINS or len(visited) < len(found)


def _lease(session: Session, now: datetime, ids: list[int]) -> list[ClaimedMail]:
    if not ids:
        return []
    rows = session.execute(LEASED, {"mails": ids, "until": now + BATCH_LEASE})
    taken = [ClaimedMail(*row) for row in rows]
    order = {mail_id: position for position, mail_id in enumerate(ids)}
    return sorted(taken, key=lambda one: order[one.id])


def renew(session: Session, taken: Iterable[ClaimedMail], now: datetime) -> None:
    """Keeps what is not yet begun ours while slow servers take their time."""
    _set_lease(session, taken, now + BATCH_LEASE)


def release(session: Session, taken: Iterable[ClaimedMail]) -> None:
    """Gives back what was not begun, for whoever comes first."""
    _set_lease(session, taken, None)


def _set_lease(session: Session, taken: Iterable[ClaimedMail], until: datetime | None) -> None:
    for one in taken:
        ours = Mail.id == one.id, Mail.fence == one.fence, text("mail.state IN ('queued', 'retry')")
        session.execute(
            update(Mail).where(*ours).values(lease_until=until).execution_options(synchronize_session=False)
        )
