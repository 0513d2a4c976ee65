"""What happens to the mail that somebody should hear of at once; whoever wants to tell them connects here.

Sent by workers after the commit, each with keywords; a receiver that fails is logged and stops nothing.
"""

from __future__ import annotations

import logging
from typing import Any

from blinker import NamedSignal, Namespace

log = logging.getLogger(__name__)
_signals = Namespace()

# The queue is held: `phase`, `code`, `detail` say what the server answered.
mail_held = _signals.signal("mail-held")
# It is delivered again: `began_at` says since when it was held.
mail_released = _signals.signal("mail-released")


def tell(signal: NamedSignal, sender: object = None, **what: Any) -> None:
    """Call the receivers with the sender and the keywords; log the errors of a receiver, and raise none."""
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, **what)
        except Exception:  # a broken alarm must not stop the mail
            log.exception("a receiver of %s failed", signal.name)
