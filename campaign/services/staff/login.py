"""Log-ins: slowing down who guesses passwords, without locking the rightful person out, and ending sessions.

Failures are counted for the account and for the network, in windows of 15 minutes. A browser that has logged in to the
account before carries a signed cookie and is counted on its own (the "device cookies" of OWASP): whoever guesses from
elsewhere locks out other strangers, never the person at the usual desk. From a new browser, a mailed link helps; who
asks for one in another's name only has the same link mailed to its owner, and not often.

Nothing old is deleted here: a web process with a wrong clock would end everybody's log-in. Retention does it, by the
time that machine and database agree on.
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
from campaign.services.periodic.clock import MOST_APART

WINDOW = timedelta(minutes=15)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Enough for a bad day of typing, far too few for guessing (NIST SP 800-63B, 5.2.2 allows 100).
MOST_FOR_ACCOUNT = 10
# A whole office may share one address.
MOST_FROM_NETWORK = 60
# Mails with a link to one mailbox in each window, asked for by strangers; a link works for an hour, so that however
# many requests are forged there is one in the mailbox that works.
MOST_LINKS = 3


class LinkRequestResult(Enum):
    """What becomes of a request for a link."""

    MAILED = auto()
    # Answered like the others, without another mail.
    QUIET = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """Somebody tries to prove who they are. `device` is set where the browser has been in this account before."""

    account: str
    network: str
    device: str | None


def is_allowed(attempt: LoginAttempt, *, now: datetime, vault: Vault) -> bool:
    """Whether to look at the attempt at all."""
    limits = _limits(attempt, vault)
    counted = select(LoginFailure.key_digest, LoginFailure.failures).where(
        LoginFailure.key_digest.in_(list(limits)), LoginFailure.window_at == _window(now)
    )
    found = {row.key_digest: row.failures for row in db.session.execute(counted)}
    return all(found.get(key, 0) < most for key, most in limits.items())


def note_failure(attempt: LoginAttempt, *, context: Context) -> None:
    """Counts a failed attempt."""
    with transaction() as session:
        _count(session, _limits(attempt, context.vault), context.now)


def count_request(attempt: LoginAttempt, *, context: Context) -> LinkRequestResult:
    """Counts a request for a mailed link, and says what becomes of it.

    Refused is a network only: what anybody can use up for somebody else's address must not keep its owner out.
    """
    account = attempt.account.strip().lower()
    by_whom = "strangers" if attempt.device is None else f"device {attempt.device}"
    mailbox = context.vault.login_digest(f"link {account} {by_whom}")
    network = context.vault.login_digest(f"links from {attempt.network}")
    keys = [mailbox, network] if attempt.device is None else [mailbox]
    with transaction() as session:
        counted = _count(session, keys, context.now)
    if counted.get(network, 0) > MOST_FROM_NETWORK:
        return LinkRequestResult.REFUSED
    return LinkRequestResult.MAILED if counted[mailbox] <= MOST_LINKS else LinkRequestResult.QUIET


def _count(session: Session, keys: Iterable[bytes], now: datetime) -> dict[bytes, int]:
    """Counts one more under each key; how many they are in this window."""
    connection, counted = session.connection(), {}
    module = sqlite if connection.dialect.name == "sqlite" else postgresql
    # In the order of the keys, so that two processes counting at once do not wait for each other in a circle.
    for key in sorted(keys):
        row = module.insert(LoginFailure).values(key_digest=key, window_at=_window(now), failures=1)
        more = row.on_conflict_do_update(
            index_elements=["key_digest", "window_at"], set_={"failures": LoginFailure.failures + 1}
        )
        counted[key] = connection.execute(more.returning(LoginFailure.failures)).scalar_one()
    return counted


def begin_session(session: Session, staff_id: int, *, context: Context) -> str:
    """A new log-in in the caller's transaction; returns the secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    digest = context.vault.login_digest(secret)
    session.add(StaffSession(token_digest=digest, staff_id=staff_id, created_at=context.now))
    return secret


def is_session_alive(secret: str, staff_id: int, *, now: datetime, vault: Vault) -> bool:
    """Whether the log-in that this cookie belongs to has neither ended nor grown too old.

    One from the future was begun on a machine with a wrong clock, and would live for as long as that is fast.
    """
    alive = select(func.count()).where(
        StaffSession.token_digest == vault.login_digest(secret),
        StaffSession.staff_id == staff_id,
        StaffSession.created_at > now - SESSION_LIFETIME,
        StaffSession.created_at <= now + MOST_APART,
    )
    return db.session.execute(alive).scalar_one() > 0


def end_session(secret: str, *, context: Context) -> None:
    """Logs out: the cookie is worthless, wherever a copy of it may be."""
    with transaction() as session:
        session.execute(delete(StaffSession).where(StaffSession.token_digest == context.vault.login_digest(secret)))


def _window(now: datetime) -> datetime:
    return _EPOCH + (now - _EPOCH) // WINDOW * WINDOW


def _limits(attempt: LoginAttempt, vault: Vault) -> dict[bytes, int]:
    account = attempt.account.strip().lower()
    if attempt.device is not None:
        return {vault.login_digest(f"device {account} {attempt.device}"): MOST_FOR_ACCOUNT}
    return {
        vault.login_digest(f"account {account}"): MOST_FOR_ACCOUNT,
        vault.login_digest(f"network {attempt.network}"): MOST_FROM_NETWORK,
    }
