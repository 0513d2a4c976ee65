"""The limit TOCSIN_MAIL_RATE of messages a minute to one recipient domain, over all workers.

It is the generic cell rate algorithm: a domain's row stores the time from which its next message may be sent, so no
earlier messages have to be counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from campaign.models import DomainRate
from campaign.platform.database.insert_or_ignore import insert_or_ignore

# A message may be sent this much earlier, so that the worker does not have to wake up for each single message.
_BURST = timedelta(milliseconds=100)


def reserve_send(session: Session, domain: bytes, rate: int, now: datetime) -> datetime | None:
    """Count a message and return None where it may be sent now; else return the time of the next attempt.

    For several domains, call it in the order of their digests, or two workers could deadlock.
    """
    interval = timedelta(minutes=1) / rate
    insert_or_ignore(session.connection(), DomainRate, {"domain_digest": domain, "next_at": now})
    row = session.get_one(DomainRate, domain, with_for_update=True, populate_existing=True)
    if row.next_at > now + _BURST:
        return row.next_at
    row.next_at = max(row.next_at, now) + interval
    session.flush()
    return None
