"""Log-ins: limits on guessing passwords that do not lock out the owner, and sessions.

Failures are counted per account and per network, in windows of 15 minutes. A browser that has logged in to the account
before has a signed cookie and is counted separately (the "device cookies" of OWASP): an attacker elsewhere locks out
other unknown browsers, never the owner's usual one. In a new browser, the owner can use a mailed link. Requesting one
for another person only mails the link to its owner, and only a few times.

Old rows are not deleted here, because a web process with a wrong clock would end all sessions. Retention deletes them,
by the time that machine and database agree on.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.privacy.cipher import Vault
from campaign.domain.staff.lifetimes import SESSION_LIFETIME
from campaign.models import LoginFailure, StaffSession
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.periodic.clock import MAX_DIFFERENCE

WINDOW = timedelta(minutes=15)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Enough for a bad day of typing, far too few for guessing (NIST SP 800-63B, 5.2.2 allows 100).
MAX_FOR_ACCOUNT = 10
# A whole office may share one address.
MAX_FROM_NETWORK = 60
# Mails with a link to one mailbox in each window, requested from unknown browsers. A link works for an hour, so the
# mailbox has a working link however many requests are forged.
MAX_LINKS = 3


class LinkRequestResult(Enum):
    """The result of a request for a link."""

    MAILED = auto()
    # Answered like MAILED, but without another mail.
    QUIET = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """An attempt to log in to an account; `device` is set if the browser has logged in to it before."""

    account: str
    network: str
    device: str | None


def is_allowed(attempt: LoginAttempt, *, now: datetime, vault: Vault) -> bool:
    """Return whether the attempt may be checked: its failures in this window are below the limits."""
    limits = _limits(attempt, vault)
    counted = select(LoginFailure.key_digest, LoginFailure.failures).where(
        LoginFailure.key_digest.in_(list(limits)), LoginFailure.window_at == _window(now)
    )
    failures = {row.key_digest: row.failures for row in db.session.execute(counted)}
    return all(failures.get(key, 0) < limit for key, limit in limits.items())


def count_failure(attempt: LoginAttempt, *, context: Context) -> None:
    """Count a failed attempt."""
    with transaction() as session:
        _count(session, _limits(attempt, context.vault), context.now)


def count_request(attempt: LoginAttempt, *, context: Context) -> LinkRequestResult:
    """Count a request for a mailed link, and return its result.

    Only a network's limit leads to REFUSED. Anyone can use up the limit of another person's mailbox, so reaching that
    must not lock out its owner.
    """
    account = attempt.account.strip().lower()
    requester = "strangers" if attempt.device is None else f"device {attempt.device}"
    mailbox = context.vault.login_digest(f"link {account} {requester}")
    network = context.vault.login_digest(f"links from {attempt.network}")
    keys = [mailbox, network] if attempt.device is None else [mailbox]
    with transaction() as session:
        counted = _count(session, keys, context.now)
    if counted.get(network, 0) > MAX_FROM_NETWORK:
        return LinkRequestResult.REFUSED
    return LinkRequestResult.MAILED if counted[mailbox] <= MAX_LINKS else LinkRequestResult.QUIET


def _count(session: Session, keys: Iterable[bytes], now: datetime) -> dict[bytes, int]:
    """Add one to the counter of each key; return the new counts in this window."""
    connection, counted = session.connection(), {}
    module = sqlite if connection.dialect.name == "sqlite" else postgresql
    # In the order of the keys: two processes that count at once could deadlock otherwise.
    for key in sorted(keys):
        row = module.insert(LoginFailure).values(key_digest=key, window_at=_window(now), failures=1)
        more = row.on_conflict_do_update(
            index_elements=["key_digest", "window_at"], set_={"failures": LoginFailure.failures + 1}
        )
        counted[key] = connection.execute(more.returning(LoginFailure.failures)).scalar_one()
    return counted


def begin_session(session: Session, staff_id: int, *, context: Context) -> str:
    """Store a new session in the caller's transaction; return the secret for its cookie."""
    secret = secrets.token_urlsafe(32)
    digest = context.vault.login_digest(secret)
    session.add(StaffSession(token_digest=digest, staff_id=staff_id, created_at=context.now))
    return secret


def is_session_alive(secret: str, staff_id: int, *, now: datetime, vault: Vault) -> bool:
    """Return whether the cookie's session has neither ended nor expired.

    A session from the future is refused: a machine with a wrong clock began it, and it would live too long.
    """
    alive = select(func.count()).where(
        StaffSession.token_digest == vault.login_digest(secret),
        StaffSession.staff_id == staff_id,
        StaffSession.created_at > now - SESSION_LIFETIME,
        StaffSession.created_at <= now + MAX_DIFFERENCE,
    )
    return db.session.execute(alive).scalar_one() > 0


def end_session(secret: str, *, context: Context) -> None:
    """End the session: its cookie, and any copy of it, is invalid from now on."""
    with transaction() as session:
        session.execute(delete(StaffSession).where(StaffSession.token_digest == context.vault.login_digest(secret)))


def _window(now: datetime) -> datetime:
    return _EPOCH + (now - _EPOCH) // WINDOW * WINDOW


def _limits(attempt: LoginAttempt, vault: Vault) -> dict[bytes, int]:
    account = attempt.account.strip().lower()
    if attempt.device is not None:
        return {vault.login_digest(f"device {account} {attempt.device}"): MAX_FOR_ACCOUNT}
    return {
        vault.login_digest(f"account {account}"): MAX_FOR_ACCOUNT,
        vault.login_digest(f"network {attempt.network}"): MAX_FROM_NETWORK,
    }
