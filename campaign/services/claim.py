"""Taking mails out of the queue under a lease, going round the domains so that none waits behind another's queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    column,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Session

from campaign.domain.outbox import BATCH_LEASE
from campaign.extensions import UtcDateTime
from campaign.extensions.among import among
from campaign.extensions.clock import database_clock
from campaign.models import Mail

# How many domains one claim looks at; the next one goes on behind them.
_DOMAINS = 64
_NOW = select(database_clock())

# The state is written out: SQLite uses a partial index only where the statement names what the index does.
_READY = """mail.state IN ('queued', 'retry') AND mail.due_at <= :now
             AND (mail.lease_until IS NULL OR mail.lease_until < :now)"""
_AT = bindparam("now", type_=UtcDateTime())
# One seek in the index a domain (a loose index scan, which neither database does by itself).
_WALK = (
    text(
        f"""
    WITH RECURSIVE walk(domain, position) AS (
      SELECT min(domain_digest), 1 FROM mail WHERE state IN ('queued', 'retry') AND domain_digest > :after
      UNION ALL
      SELECT (SELECT min(domain_digest) FROM mail WHERE state IN ('queued', 'retry') AND domain_digest > walk.domain),
             walk.position + 1
      FROM walk WHERE walk.domain IS NOT NULL AND walk.position < :domains
    )
    SELECT domain, EXISTS (SELECT 1 FROM mail WHERE mail.domain_digest = walk.domain AND {_READY}) AS is_ready
    FROM walk WHERE domain IS NOT NULL ORDER BY position
    """  # noqa: S608  constants
    )
    .bindparams(_AT)
    .columns(domain=LargeBinary(32), is_ready=Boolean())
)


def _due(domain: ColumnElement[Any], most: ColumnElement[Any]) -> Select[int]:
    """The first due mails of a domain."""
    return (
        select(Mail.id)
        .where(Mail.domain_digest == domain, text(_READY).bindparams(_AT))
        .order_by(Mail.due_at, Mail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


def _due_of_each() -> Select[int]:
    """The same for many domains, at once and in their order."""
    domains, most = bindparam("domains", type_=ARRAY(LargeBinary)), bindparam("most", type_=ARRAY(Integer))
    asked = (
        func.unnest(domains, most)
        .table_valued(column("domain", LargeBinary), column("most", Integer), with_ordinality="place")
        .render_derived(name="asked")
    )
    found = _due(asked.c.domain, asked.c.most).lateral()
    return select(found.c.id).select_from(asked.join(found, true())).order_by(asked.c.place)


_LEASED = (
    update(Mail)
    .where(among(Mail.id, "mails"))
    .values(fence=Mail.fence + 1, lease_until=bindparam("until"))
    .returning(Mail.id, Mail.fence, Mail.domain_digest)
    .execution_options(synchronize_session=False)
)
_DUE = _due(bindparam("domain"), bindparam("most"))
_DUE_OF_EACH = _due_of_each()


@dataclass(frozen=True, slots=True)
class Taken:
    """A claimed mail under its fence."""

    id: int
    fence: int
    domain: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, where the next claim goes on, whether this one went all the way round and left something due."""

    taken: list[Taken]
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
        return [mail_id for one in each for mail_id in session.scalars(_DUE, one)]
    domains, most = zip(*asked, strict=True)
    return list(session.scalars(_DUE_OF_EACH, {"domains": list(domains), "most": list(most), "now": now}))


def _walk(session: Session, now: datetime, after: bytes) -> tuple[list[tuple[bytes, bool]], bool]:
    """The next domains with anything in the queue, whether something of it is due, and whether these are all."""
    found = [tuple(row) for row in session.execute(_WALK, {"after": after, "domains": _DOMAINS, "now": now})]
    if len(found) < _DOMAINS and after:
        rest = {"after": b"", "domains": _DOMAINS - len(found), "now": now}
        found += [tuple(row) for row in session.execute(_WALK, rest)]
    visited = dict(found)
    return list(visited.items()), len(found) < _DOMAINS or len(visited) < len(found)


def _lease(session: Session, now: datetime, ids: list[int]) -> list[Taken]:
    if not ids:
        return []
    rows = session.execute(_LEASED, {"mails": ids, "until": now + BATCH_LEASE})
    taken = [Taken(*row) for row in rows]
    order = {mail_id: position for position, mail_id in enumerate(ids)}
    return sorted(taken, key=lambda one: order[one.id])


def renew(session: Session, taken: Iterable[Taken], now: datetime) -> None:
    """Keeps what is not yet begun ours while slow servers take their time."""
    _set_lease(session, taken, now + BATCH_LEASE)


def release(session: Session, taken: Iterable[Taken]) -> None:
    """Gives back what was not begun, for whoever comes first."""
    _set_lease(session, taken, None)


def _set_lease(session: Session, taken: Iterable[Taken], until: datetime | None) -> None:
    for one in taken:
        ours = Mail.id == one.id, Mail.fence == one.fence, text("mail.state IN ('queued', 'retry')")
        session.execute(
            update(Mail).where(*ours).values(lease_until=until).execution_options(synchronize_session=False)
        )
