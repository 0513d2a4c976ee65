"""Sessions, and limits on guessing passwords that do not lock out the account's owner.

Failures are counted for each account and each network, in windows of 15 minutes. A browser that has logged in to the
account before has a signed cookie and is counted separately (the "device cookies" of OWASP). So an attacker can lock
out unknown browsers, but not the browsers that the owner uses. In a new browser, the owner can request a mailed link.
A request for another person's link only mails it to its owner, and only a few times.

Old rows are not deleted here, because a web process with a wrong clock would end all sessions. Retention deletes them
when the clocks of machine and database agree.
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
# A whole office may share one network address.
MAX_FROM_NETWORK = 60
# Mails with a link to one mailbox in each window, if unknown browsers request them. A link is valid for an hour, so the
# owner has a valid one even if an attacker uses up the limit.
MAX_LINKS = 3


class LinkRequestResult(Enum):
    """The result of a request for a link."""

    MAILED = auto()
    # The answer is that of MAILED, but no further mail is sent.
    QUIET = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """An attempt to log in to an account; `device` is set if the browser has logged in to it before."""

    account: str
    network: str
    device: str | None


def is_allowed(attempt: LoginAttempt, *, now: datetime, vault: Vault) -> bool:
    """Return whether the password may be checked: the failures in this window are below the limits."""
    limits = _limits(attempt, vault)
    counters = select(LoginFailure.key_digest, LoginFailure.failures).where(
        LoginFailure.key_digest.in_(list(limits)), LoginFailure.window_at == _window(now)
    )
    failures = {row.key_digest: row.failures for row in db.session.execute(counters)}
    return all(failures.get(key, 0) < limit for key, limit in limits.items())


def count_failure(attempt: LoginAttempt, *, context: Context) -> None:
    """Count a failed attempt for its account and network, or for its known browser."""
    with transaction() as session:
        _count(session, _limits(attempt, context.vault), context.now)


def count_request(attempt: LoginAttempt, *, context: Context) -> LinkRequestResult:
    """Count a request for a mailed link, and return its result.

    Only the limit of a network leads to REFUSED. The limit of a mailbox does not, because anyone can use it up for
    another person, who must not be locked out.
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
    # In the order of the keys: two processes that count in different orders could deadlock.
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

    A session that begins in the future is invalid: a machine with a wrong clock created it, and it would live too long.
    """
    valid = select(func.count()).where(
        StaffSession.token_digest == vault.login_digest(secret),
        StaffSession.staff_id == staff_id,
        StaffSession.created_at > now - SESSION_LIFETIME,
        StaffSession.created_at <= now + MAX_DIFFERENCE,
    )
    return db.session.execute(valid).scalar_one() > 0


def end_session(secret: str, *, context: Context) -> None:
    """End the session, so that its cookie and every copy of it become invalid."""
    with transaction() as session:
        session.execute(delete(StaffSession).where(StaffSession.token_digest == context.vault.login_digest(secret)))


def _window(now: datetime) -> datetime:
    return _EPOCH + (now - _EPOCH) // WINDOW * WINDOW


def _limits(attempt: LoginAttempt, vault: Vault) -> dict[bytes, int]:
    """Return the limits of failures by counter key: of a known browser, or else of account and network."""
    account = attempt.account.strip().lower()
    if attempt.device is not None:
        return {vault.login_digest(f"device {account} {attempt.device}"): MAX_FOR_ACCOUNT}
    return {
        vault.login_digest(f"account {account}"): MAX_FOR_ACCOUNT,
        vault.login_digest(f"network {attempt.network}"): MAX_FROM_NETWORK,
    }
