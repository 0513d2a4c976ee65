"""Retention periods of personal data: docs/privacy.md lists them, and a test compares the two.

How long addresses are stored after an appeal has ended is a setting: TOCSIN_RETENTION_DAYS in `config.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Sign-ups never confirmed, and withdrawn signatures.
UNCONFIRMED = WITHDRAWN = timedelta(days=30)
# Keyed digests of networks, used only to recognise floods.
NETWORKS = timedelta(days=30)
# Mail domains, after the last confirmation; then a domain counts as new again. The table stores months only.
DOMAINS = timedelta(days=90)
# Mails that have ended. Bounces come within days.
MAILS = timedelta(days=35)
# Mailbox limits, which are needed for a day. The table stores months only.
LIMITS = timedelta(days=31)
# Lists to hand over, which contain names and are downloaded soon.
HANDOVERS = timedelta(days=7)
# Runs of periodic jobs, and alerts.
RUNS = timedelta(days=30)
# Criteria of invalidations, which may contain parts of addresses.
CRITERIA = timedelta(days=30)
# Failed log-ins, which limit guessing for minutes, and log-ins, which end after half a day.
LOGINS = timedelta(days=1)
# Suppressed addresses, because an address that was refused may belong to another person later.
REFUSED = timedelta(days=730)
# Signers who asked for news: a month after the announcement of the outcome, at the latest two years after the end.
AFTER_OUTCOME = timedelta(days=30)
UPDATES_AT_MOST = timedelta(days=730)
# Tombstones and the erasure journal. No backup with an erased address may be older than this.
TOMBSTONES = timedelta(days=730)
# Rows of paper sheets, which a worker signs up within minutes.
SHEET_ROWS = timedelta(days=1)
# Requests for new links, which a worker answers within seconds.
LINK_REQUESTS = timedelta(days=1)
# Message-IDs of sent mails: bounces come within five days (RFC 5321, 4.5.4.1).
MESSAGE_IDS = timedelta(days=7)
# The exact time of a form, to the minute. The flood alerts look back for a shorter time, and nothing else needs it.
EXACT_TIMES = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class AddressRetention:
    """The times at which an appeal's addresses are deleted: for most signers, and for those who asked for news."""

    most_at: datetime
    updates_at: datetime


def address_retention(ended_at: datetime, retention: timedelta, told_at: datetime | None) -> AddressRetention:
    """Return when an appeal's addresses are deleted: counted from its end (`ended_at`).

    For signers who asked for news, the announcement of the outcome (`told_at`, or None) counts too.
    """
    most_at = ended_at + retention
    updates_deadline = ended_at + max(retention, UPDATES_AT_MOST)
    if told_at is not None:
        updates_deadline = min(updates_deadline, max(most_at, told_at + AFTER_OUTCOME))
    return AddressRetention(most_at, updates_deadline)
