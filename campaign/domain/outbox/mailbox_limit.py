"""The limits of mails a day to one mailbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """The limits of mails a day to one mailbox that are caused by typing its address, over all appeals.

    Attributes:
        unproven: While the mailbox has confirmed nothing.
        proven: Within a day after it has confirmed something.
        requested_links: For links requested on the page for new links.
    """

    unproven: int = 3
    proven: int = 50
    requested_links: int = 3


DAILY = DailyLimits()
