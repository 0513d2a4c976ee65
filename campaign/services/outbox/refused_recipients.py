"""Whose mailbox gets no mail that anybody can bring about: those the letters go to, our sender, and our return paths.

Who types such an address, in the form, on a paper sheet or as a new one, would have us write to an authority or to
ourselves. The answer is the same as ever; `services/outbox/answer.py` and `services/delivery/compose.py` stop the mail.
"""

from __future__ import annotations

import time
from email.utils import parseaddr

from campaign.config import Settings
from campaign.domain.delivery.return_path import PREFIX
from campaign.domain.signing.address import Address, written_mailbox
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.outbox.targets_addresses import target_mailboxes

# Why the mail does not leave, as its row says it.
FLAG = "addressee"
# All targets are read again after so long; those of the appeal that is signed are known at once.
_SECONDS = 60.0


class RefusedRecipients:
    """One process's memory of all targets' mailboxes, a minute old at most; they are read when first asked about."""

    def __init__(self, settings: Settings) -> None:
        self._sender = written_mailbox(parseaddr(settings.mail_from)[1])
        self._bounce_domain = settings.bounce_domain
        self._until = float("-inf")
        self._mailboxes: frozenset[str] = frozenset()

    def include(self, address: Address, appeal: AppealView | None = None) -> bool:
        """Return whether it is a target's of any appeal, the sender's or a return path, however it is written."""
        mailbox = address.mailbox
        if mailbox == self._sender:
            return True
        # Return paths are bounce+<id>.<signature>; the mailbox is the part before the +.
        if address.domain == self._bounce_domain and address.local.lower().partition("+")[0] == PREFIX:
            return True
        targets = () if appeal is None else appeal.targets.values()
        own = (written_mailbox(email) for ones in targets for one in ones for email in one.emails)
        return mailbox in set(own) or mailbox in self._known()

    def _known(self) -> frozenset[str]:
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + _SECONDS  # first, so that others go on with what there is
            self._mailboxes = target_mailboxes()
        return self._mailboxes
