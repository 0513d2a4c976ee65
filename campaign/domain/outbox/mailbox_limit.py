"""The numbers of mails that a mailbox may get in a day. `MailboxLimits` applies them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """The limits of the mails in 24 hours that anyone can cause by typing an address, on all appeals together.

    Addresses that have not confirmed share the limit with all other spellings of their mailbox. An address that has
    confirmed has its limit to itself.

    Attributes:
        unproven: The limit for an address that was not confirmed within a day before or after the mail was enqueued.
        proven: The limit for an address that was.
        requested_links: The separate limit of mails with links that were requested on the page for new links.
    """

    unproven: int = 3
    proven: int = 50
    requested_links: int = 3


DAILY_LIMITS = DailyLimits()
