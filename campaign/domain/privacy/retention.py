"""How long personal data is kept, in one place; docs/privacy.md says the same, and a test compares them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# What was never confirmed, or was taken back, serves nobody after a month.
UNCONFIRMED = WITHDRAWN = timedelta(days=30)
# Keyed digests of networks, only for telling floods.
NETWORKS = timedelta(days=30)
# Mail domains from which somebody confirmed: after so long without, one is new again. The table knows months only.
DOMAINS = timedelta(days=90)
# Mails that are over; bounces come within days.
MAILS = timedelta(days=35)
# What limits mail to a mailbox is of use for a day; the table knows months only.
LIMITS = timedelta(days=31)
# Lists made to be handed over hold names; they are fetched soon.
HANDOVERS = timedelta(days=7)
# Which runs were taken, and which alarms were raised.
RUNS = timedelta(days=30)
# By what staff chose whom to take out of the counts: it may hold parts of addresses.
CRITERIA = timedelta(days=30)
# Failed log-ins slow down who guesses for minutes, and a log-in ends after half a day.
LOGINS = timedelta(days=1)
# An address that its server refused may belong to somebody again.
REFUSED = timedelta(days=730)
# Signers who asked how the case goes on: a month after they were told how it ended, at the latest two years after it.
AFTER_OUTCOME = timedelta(days=30)
UPDATES_AT_MOST = timedelta(days=730)
# By then no backup from which an erased address could come back is to be kept.
TOMBSTONES = timedelta(days=730)
# A row of a paper sheet is signed up within minutes; one that waits longer tells that no worker runs.
SHEET_ROWS = timedelta(days=1)
# A request for new links is answered within seconds.
LINK_REQUESTS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AddressRetention:
    """When an appeal's addresses go: those of most signers, and those who asked to hear how the case goes on."""

    most_at: datetime
    updates_at: datetime


def closing(ended_at: datetime, retention: timedelta, told_at: datetime | None) -> AddressRetention:
    """After closing (`ended_at`), and where it was announced (`told_at`) how the case ended, some time after that."""
    most_at = ended_at + retention
    last = ended_at + max(retention, UPDATES_AT_MOST)
    if told_at is not None:
        last = min(last, max(most_at, told_at + AFTER_OUTCOME))
    return AddressRetention(most_at, last)


# What comes back of a mail comes within five days (RFC 5321, 4.5.4.1); then its Message-ID goes.
BOUNCES = timedelta(days=7)
# Longer than the watch for floods looks back; then nothing asks for the minute of a form any more.
MINUTES = timedelta(hours=3)
