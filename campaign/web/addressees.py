"""Whose mailbox a confirmation mail must never reach: those the letters go to, our sender, and our return paths.

Who signs with such an address would have us write to an authority, or to ourselves. The answer is the same as ever.
"""

from __future__ import annotations

import time
from email.utils import parseaddr

from flask import Flask, current_app

from campaign.domain.address import Address, written_mailbox
from campaign.domain.return_path import PREFIX
from campaign.extensions.runtime import runtime
from campaign.queries.addressees import target_mailboxes
from campaign.queries.appeal import AppealView

# All targets are read again after so long; those of the appeal that is signed are known at once.
_SECONDS = 60.0
_KEY = "tocsin_addressees"


class Addressees:
    """One application's memory of all targets' mailboxes."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._mailboxes: frozenset[str] = frozenset()

    def mailboxes(self) -> frozenset[str]:
        """Return the targets' mailboxes, a minute old at most."""
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + _SECONDS  # first, so that others go on with what there is
            self._mailboxes = target_mailboxes()
        return self._mailboxes


def init_app(app: Flask) -> None:
    """Give the application its memory."""
    app.extensions[_KEY] = Addressees()


def is_addressee(appeal: AppealView, address: Address) -> bool:
    """Return whether the address is a target's of any appeal, the sender's or a return path, however it is written."""
    settings, mailbox = runtime().settings, address.mailbox
    if mailbox == written_mailbox(parseaddr(settings.mail_from)[1]):
        return True
    # Return paths are bounce+<id>.<signature>; the mailbox is the part before the +.
    if address.domain == settings.bounce_domain and address.local.lower().partition("+")[0] == PREFIX:
        return True
    own = (written_mailbox(email) for targets in appeal.targets.values() for one in targets for email in one.emails)
    return mailbox in set(own) or mailbox in _memory().mailboxes()


def _memory() -> Addressees:
    memory: Addressees = current_app.extensions[_KEY]
    return memory
