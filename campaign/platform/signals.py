"""Signals for events in mail delivery that operators should know of at once, for instance to raise an alarm.

Workers send them after the commit, with keyword arguments. A receiver that fails is logged and stops nothing.
"""

from __future__ import annotations

import logging
from typing import Any

from blinker import NamedSignal, Namespace

log = logging.getLogger(__name__)
_signals = Namespace()

# The queue is paused: `phase`, `code`, `detail` are the server's answer.
mail_held = _signals.signal("mail-held")
# Delivery has resumed: `began_at` is when the pause began.
mail_released = _signals.signal("mail-released")


def tell(signal: NamedSignal, sender: object = None, **what: Any) -> None:
    """Call the receivers with the sender and the keywords; log the errors of a receiver, and raise none."""
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, **what)
        except Exception:  # a broken alarm must not stop the mail
            log.exception("a receiver of %s failed", signal.name)
