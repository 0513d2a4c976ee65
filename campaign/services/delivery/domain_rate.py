"""TOCSIN_MAIL_RATE: so many messages a minute to one recipient domain, over all workers.

The generic cell rate algorithm: a domain's row says when its next message may go, so a message costs one statement and
no count of earlier ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from campaign.models import DomainRate
from campaign.platform.database.insert_or_ignore import insert_or_ignore

# So much may go early, in place of waking up for each message.
_BURST = timedelta(milliseconds=100)


def may_send(session: Session, domain: bytes, rate: int, now: datetime) -> datetime | None:
    """None where a message may go now, and is counted as gone; else when to ask again.

    Who sends to several domains asks in the order of their digests, or two workers wait for each other.
    """
    each = timedelta(minutes=1) / rate
    insert_or_ignore(session.connection(), DomainRate, {"domain_digest": domain, "next_at": now})
    row = session.get_one(DomainRate, domain, with_for_update=True, populate_existing=True)
    if row.next_at > now + _BURST:
        return row.next_at
    row.next_at = max(row.next_at, now) + each
    session.flush()
    return None
