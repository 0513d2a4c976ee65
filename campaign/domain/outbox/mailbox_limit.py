"""The limits of mails a day to one mailbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """The limits of mails a day to one mailbox because its address was typed, on all appeals together.

    Attributes:
        unproven: The limit while the mailbox has confirmed nothing within a day.
        proven: The limit for an address that has confirmed within a day.
        requested_links: The limit of mails with links that the page for new links sends.
    """

    unproven: int = 3
    proven: int = 50
    requested_links: int = 3


DAILY_LIMITS = DailyLimits()
