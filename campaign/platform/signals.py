"""Signals whose receivers cannot break what sends them."""

from __future__ import annotations

import logging
from typing import Any

from blinker import NamedSignal

log = logging.getLogger(__name__)


def tell(signal: NamedSignal, sender: object = None, **what: Any) -> None:
    """Call the receivers with the sender and the keywords; log the errors of a receiver, and raise none."""
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, **what)
        except Exception:  # a broken receiver must not stop the mail
            log.exception("a receiver of %s failed", signal.name)
