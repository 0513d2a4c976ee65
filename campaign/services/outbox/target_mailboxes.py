"""The mailboxes of the appeals' targets, which get no mail when a person types their address.

The application's own sender and return paths get none either. Otherwise a person who types such an address, in a form,
on a paper sheet or as a new address, could make the application write to an authority or to itself. The page's response
does not change. `services/outbox/answer.py` and `services/delivery/address_mail.py` stop the mail.
"""

from __future__ import annotations

import time
from email.utils import parseaddr

from campaign.config import Settings
from campaign.domain.delivery.return_path import PREFIX
from campaign.domain.signing.address import Address, written_mailbox
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.outbox.target_mailboxes import target_mailboxes

# The reason why the mail does not leave, as stored in its row.
TARGET_FLAG = "addressee"
# The targets of all appeals are read again after this time.
_CACHE_SECONDS = 60.0


class TargetMailboxes:
    """The mailboxes of all targets, cached in one process: read at the first use, and again after a minute.

    The application's own sender and return paths are among them.
    """

    def __init__(self, settings: Settings) -> None:
        self._sender = written_mailbox(parseaddr(settings.mail_from)[1])
        self._bounce_domain = settings.bounce_domain
        self._expires_at = float("-inf")
        self._mailboxes: frozenset[str] = frozenset()

    def contains(self, address: Address, appeal: AppealView | None = None) -> bool:
        """Return whether the address, in any spelling, is that of a target, the sender or a return path.

        The cached targets may be a minute old. Those of `appeal`, which is being signed, are always current.
        """
        mailbox = address.mailbox
        if mailbox == self._sender:
            return True
        # Return paths are bounce+<id>.<signature>; the mailbox is the part before the +.
        if address.domain == self._bounce_domain and address.local.lower().partition("+")[0] == PREFIX:
            return True
        targets = () if appeal is None else appeal.targets.values()
        current = (written_mailbox(email) for group in targets for target in group for email in target.emails)
        return mailbox in set(current) or mailbox in self._target_mailboxes()

    def _target_mailboxes(self) -> frozenset[str]:
        if time.monotonic() >= self._expires_at:
            # Set first, so that other threads continue with the earlier list.
            self._expires_at = time.monotonic() + _CACHE_SECONDS
            self._mailboxes = target_mailboxes()
        return self._mailboxes
